import '../support/on-nats.ts';
import '../browser/two-people.test.ts';
