import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const CRLF = Buffer.from('\r\n');

/** A proxy in front of a NATS server. It drops some of the server's messages: those that `fits` matches and `drops` chooses. */
export class HintDropper {
  readonly port: number;
  dropped = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** `drops` decides for each message whose subject matches. */
  static async before(port: number, fits: RegExp, drops: () => boolean): Promise<HintDropper> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const dropper = new HintDropper(server);
    server.on('connection', (client) => {
      const upstream = connect(port, '127.0.0.1');
      const frames = new Frames();
      for (const socket of [client, upstream]) dropper.#keep(socket, client, upstream);
      client.pipe(upstream);
      upstream.on('data', (chunk: Buffer) => {
        for (const { subject, bytes } of frames.feed(chunk)) {
          if (subject !== undefined && fits.test(subject) && drops()) dropper.dropped += 1;
          else client.write(bytes);
        }
      });
    });
    return dropper;
  }

  /** Ends all connections; new ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #keep(socket: Socket, ...pair: Socket[]): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const one of pair) one.destroy();
    });
  }
}

/** Splits a server's output into frames. A frame is a line; for `MSG` and `HMSG`, its last word says how many bytes follow. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  *feed(chunk: Buffer): Generator<{ subject: string | undefined; bytes: Buffer }> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const line = this.#rest.indexOf(CRLF);
      if (line === -1) return;
      const words = this.#rest.subarray(0, line).toString('latin1').split(' ');
      const isMessage = words[0] === 'MSG' || words[0] === 'HMSG';
      const end = line + 2 + (isMessage ? Number(words.at(-1)) + 2 : 0);
      if (this.#rest.length < end) return;
      yield { subject: isMessage ? words[1] : undefined, bytes: this.#rest.subarray(0, end) };
      this.#rest = this.#rest.subarray(end);
    }
  }
}
