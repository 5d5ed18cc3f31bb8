// Cuts and heals the network between the browsers and one server, inside the tests' own namespace.

import { execFileSync } from "node:child_process";
import type { Server } from "./server.ts";

const TABLE = "moot_cut";

function nft(...args: string[]): void {
  execFileSync("nft", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Drops every packet to and from the server's ports, media included, until `heal` is called. */
export function cut(server: Server, what: { readonly udpOnly?: boolean } = {}): void {
  heal();
  nft("add", "table", "inet", TABLE);
  nft("add", "chain", "inet", TABLE, "input", "{ type filter hook input priority 0; }");
  const ports = `{ ${server.ports().join(", ")} }`;
  const protocols = what.udpOnly === true ? ["udp"] : ["udp", "tcp"];
  for (const protocol of protocols) {
    nft("add", "rule", "inet", TABLE, "input", protocol, "dport", ports, "drop");
    nft("add", "rule", "inet", TABLE, "input", protocol, "sport", ports, "drop");
  }
}

/** Lets everything through again; does nothing where nothing was cut. */
export function heal(): void {
  try {
    nft("delete", "table", "inet", TABLE);
  } catch {
    // There was no table: nothing was cut.
  }
}
