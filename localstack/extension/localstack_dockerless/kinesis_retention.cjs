// Preloaded into kinesis-mock, which keeps every record for as long as it runs. Here a shard keeps those of the last
// KINESIS_RETENTION_MINUTES, and no more than KINESIS_RETENTION_MB of them. Who asks for a record that is gone gets the
// oldest one that is left, as on AWS.
//
// kinesis-mock is one minified bundle without a plugin point: the edits below are made to its text as it is loaded.
// Each must fit exactly once, or none is made: then it is another version than the one they were written for, 0.5.2.
const { registerHooks } = require('node:module')

const MAIN = /\/kinesis-local\/main\.js$/
const MS_PER_MINUTE = 60_000
const BYTES_PER_MB = 1024 * 1024

const keptMs = limit('KINESIS_RETENTION_MINUTES', 30) * MS_PER_MINUTE
const keptBytes = limit('KINESIS_RETENTION_MB', 128) * BYTES_PER_MB
const startedMs = Date.now()

// 0 is no limit. The start command has checked the values.
function limit(name, standard) {
  return Number(process.env[name] || standard) || Infinity
}

// The records of a shard are an immutable Scala vector: `H()` is its length, `W(i)` an element; a record's `Ega` is its
// size in bytes, `wq.ut` its sequence number. The notes made on them here (dropped, bytes, key, putMs) are our own.
globalThis.kinesisRetention = {
  // The place of the next record in its shard, a part of its sequence number: dropped records go on counting.
  next(records) {
    return 1 + (records.dropped ?? 0) + records.H()
  },

  // `after`, which is `before` and new records, without what is over the limits; the last record always stays.
  keep(before, after, slice) {
    const now = Date.now()
    let dropped = before.dropped ?? 0
    let bytes = before.bytes ?? 0
    for (let index = before.bytes === undefined ? 0 : before.H(); index < after.H(); index++) {
      const record = after.W(index)
      record.putMs = index < before.H() ? startedMs : now
      bytes += record.Ega
    }
    let first = 0
    for (; first < after.H() - 1; first++) {
      const oldest = after.W(first)
      if (bytes <= keptBytes && now - oldest.putMs <= keptMs) break
      bytes -= oldest.Ega
    }
    const kept = first === 0 ? after : slice(after, first, after.H())
    kept.dropped = dropped + first
    kept.bytes = bytes
    return kept
  },

  // Whether a record with this sequence number would stand before the first one, so that it has been dropped.
  dropped(sequenceNumber, records) {
    const number = sequenceNumber.ut
    return records.dropped > 0 && /^\d+$/.test(number) && BigInt(number) < BigInt(records.W(0).wq.ut)
  },

  // A key that stands for the vector: to group by that itself, PutRecords hashes all its records for each new one.
  asKey(records) {
    records.key ??= { records }
    return records.key
  }
}

const EDITS = [
  // PutRecord
  ['pp(q)?new D(1):new D(1+q.H()|0)', 'new D(kinesisRetention.next(q))'],
  ['q.tb(new lW(g,a.jO,k.Af,a.tI,n))', 'kinesisRetention.keep(q,q.tb(new lW(g,a.jO,k.Af,a.tI,n)),AA)'],
  // PutRecords
  ['pp(S)?new D(1+G|0):new D((1+S.H()|0)+G|0)', 'new D(kinesisRetention.next(S)+G)'],
  ['var v=B(new C,q.yk,q.xm);', 'var v=B(new C,q.yk,kinesisRetention.asKey(q.xm));'],
  [
    'v=t0(y.r(),v.r().Da(new z(G=>G.$k)))',
    'y=y.r().records;v=kinesisRetention.keep(y,t0(y,v.r().Da(new z(G=>G.$k))),AA)'
  ],
  // GetRecords
  [
    'if(-1===n)return new H(new Rx("Record for provided',
    'if(-1===n&&!kinesisRetention.dropped(k.NI,h))return new H(new Rx("Record for provided'
  ],
  // GetShardIterator: AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER
  ...['E', 'v'].map((found) => [
    `if(F()===${found}){k=new H(new Rx("Unable to find record with`,
    `if(F()===${found}&&kinesisRetention.dropped(y,q)){k=new I(new A1(wW(yv(),k,a.vp,y,g)));break a}` +
      `if(F()===${found}){k=new H(new Rx("Unable to find record with`
  ])
]

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!MAIN.test(url)) return loaded
    const text = String(loaded.source)
    return { ...loaded, source: edited(text) ?? text }
  }
})

function edited(text) {
  for (const [before, after] of EDITS) {
    const parts = text.split(before)
    if (parts.length !== 2) {
      process.stderr.write('kinesis_retention.cjs: not kinesis-mock 0.5.2; all records are kept\n')
      return undefined
    }
    text = parts.join(after)
  }
  return text
}
