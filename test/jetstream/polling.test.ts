import '../support/on-nats.ts';
import '../http/polling.test.ts';
