import { afterThisTest } from './after-this-test.ts';
import { openCuttingProxy, type CuttingProxy } from './open-cutting-proxy.ts';

/** A proxy for one test that cuts connections. */
export async function cuttingProxy(url: string, bytes: number, cuts = 1): Promise<CuttingProxy> {
  const proxy = await openCuttingProxy(url, () => bytes, cuts);
  afterThisTest(proxy.close);
  return proxy;
}
