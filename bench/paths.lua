-- What wrk sends: 512 targets in turn, since callers do not ask for one record for ever. Prints one line of JSON.
local requests = {}
local at = 0

function init(args)
  wrk.headers["Accept"] = "application/json"
  wrk.headers["User-Agent"] = "bench/1.0"
  wrk.headers["X-Api-Key"] = args[1]
  for n = 1, 512 do
    local id = string.format("a0B%012d", n)
    local path = "/services/data/v67.0/sobjects/CA10__CaAwsInstance__c/" .. id
    if n % 2 == 0 then
      path = "/services/data/v67.0/query?q=SELECT+Name+FROM+CA10__CaAwsInstance__c+WHERE+Id='" .. id .. "'"
    end
    requests[n] = wrk.format("GET", path)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"failed":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, e.status + e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
