/** Slow headers and slow bodies are answered 408 within 15 s, also by a server that is busy: the limit and the time until somebody looks. */
export const TIMEOUTS = {
  headersTimeout: 8_000,
  requestTimeout: 11_000,
  connectionsCheckingInterval: 1_000,
  // Longer than the 60 s of the usual proxies: they close first, and no request meets a connection that is going away.
  keepAliveTimeout: 65_000,
};
