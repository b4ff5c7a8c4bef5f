import '../support/on-nats.ts';
import '../http/cut-connection.test.ts';
