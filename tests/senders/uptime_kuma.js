// Sends one heartbeat with Uptime Kuma's own notification provider.
// node uptime_kuma.js FOLDER URL json|form-data 0|1
const path = require("path");

const [folder, url, contentType, status] = process.argv.slice(2);
const Webhook = require(path.join(folder, "server/notification-providers/webhook.js"));

const up = status === "1";
const monitor = { id: 7, name: "Shop", type: "http", url: "https://shop.example.com/" };
const heartbeat = { monitorID: 7, status: Number(status), msg: up ? "200 - OK" : "timeout", time: "2026-08-06 07:00:00.000" };
const message = `[Shop] [${up ? "✅ Up" : "🔴 Down"}] ${heartbeat.msg}`;

new Webhook()
    .send({ webhookURL: url, webhookContentType: contentType }, message, monitor, heartbeat)
    .catch((error) => {
        console.error(error.message);
        process.exit(1);
    });
