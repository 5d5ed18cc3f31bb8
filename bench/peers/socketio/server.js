// The same fan-out as moot's: whoever is connected is in one room, and a change goes to everybody.
//   node server.js PORT [REDIS_URL]
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redisUrl] = process.argv.slice(2);
const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
if (redisUrl) {
  const publisher = createClient({ url: redisUrl });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
}
io.on("connection", (socket) => {
  socket.join("room");
  socket.on("change", (event, answer) => {
    io.to("room").emit("event", event);
    answer();
  });
});
http.listen(Number(port), "127.0.0.1");
