import '../support/on-nats.ts';
import '../http/room.test.ts';
