-- Have a state that there is counted at these precisions from now on; one that there is not stays unborn.
if redis.call('HEXISTS', META, 'epoch') == 1 then ensure_epoch() end
return 1
