import type { Socket } from "../stream/client.ts";
import type { FeedMessage, FeedRequest } from "../stream/protocol.ts";

/** The other end of a feed, in a test's hands. */
export class FakeSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  closedWith: number | null = null;
  readonly sent: FeedRequest[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as FeedRequest);
  }

  close(code = 1000): void {
    this.closedWith = code;
  }

  open(): void {
    this.onopen?.call(this.asWebSocket(), new Event("open"));
  }

  receive(message: FeedMessage): void {
    this.receiveText(JSON.stringify(message));
  }

  receiveText(text: string): void {
    this.onmessage?.call(this.asWebSocket(), new MessageEvent("message", { data: text }));
  }

  end(code: number): void {
    this.onclose?.call(this.asWebSocket(), { code, reason: "" } as CloseEvent);
  }

  private asWebSocket(): WebSocket {
    return this as unknown as WebSocket;
  }
}
