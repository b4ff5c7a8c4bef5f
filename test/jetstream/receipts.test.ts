import '../support/on-nats.ts';
import '../http/receipts.test.ts';
