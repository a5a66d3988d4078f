/** The dashboard. */

import { createApp, startApp } from "./app.js";
import { mountAlerts } from "./panels/alerts.js";
import { mountChat } from "./panels/chat.js";
import { mountMasthead } from "./panels/masthead.js";
import { mountPulse } from "./panels/pulse.js";
import { mountScans } from "./panels/scans.js";
import { mountStatus } from "./panels/status.js";
import { mountSummary } from "./panels/summary.js";
import { mountThreats } from "./panels/threats.js";

const app = createApp();
mountThreats(app);
mountPulse(app);
mountSummary(app);
mountStatus(app);
mountChat(app);
mountScans(app);
mountAlerts(app);
mountMasthead(app);
startApp(app);
