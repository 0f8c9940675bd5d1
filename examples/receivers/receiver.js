// Receives webhooks: node receiver.js PORT, with the endpoint's secret in WEBHOOK_SECRET (npm install, see package.json).
const http = require("node:http");
const { Webhook } = require("standardwebhooks");

const webhook = new Webhook(process.env.WEBHOOK_SECRET);

http.createServer(async (request, response) => {
  try {
    const event = webhook.verify(Buffer.concat(await request.toArray()), request.headers);
    console.log(event.type, event.id, "attempt", request.headers["x-webhook-attempt"]);
    response.writeHead(204).end();
  } catch {
    response.writeHead(401).end();
  }
}).listen(Number(process.argv[2]), "127.0.0.1");
