// Preloaded into the Node servers that LocalStack starts (kinesis-mock): they listen on every interface and have no
// setting for it; here they listen on the loopback interface only.
const net = require('node:net')

const HOST = '127.0.0.1'
const listen = net.Server.prototype.listen

net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === 'object' && first !== null && first.port !== undefined) {
    return listen.call(this, { ...first, host: HOST }, ...rest)
  }
  if (typeof first === 'number' || /^\d+$/.test(first)) {
    const others = rest.filter((each) => typeof each !== 'string')
    return listen.call(this, first, HOST, ...others)
  }
  return listen.call(this, first, ...rest)
}
