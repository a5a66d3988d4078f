/** The administrator's console. */

import { createApp, startApp } from "./app.js";
import { readConsoleView, writeConsoleView } from "./logic/errors.js";
import { mountAccounts } from "./panels/accounts.js";
import { mountAudit } from "./panels/audit.js";
import { mountErrorStats } from "./panels/error_stats.js";
import { mountFeatures } from "./panels/features.js";
import { mountMasthead } from "./panels/masthead.js";
import { mountOutbox } from "./panels/outbox.js";
import { mountRecentErrors } from "./panels/recent_errors.js";
import { mountUpstreams } from "./panels/upstreams.js";

const app = createApp({ read: readConsoleView, write: writeConsoleView });
mountFeatures(app);
mountRecentErrors(app);
mountErrorStats(app);
mountOutbox(app);
mountAccounts(app);
mountAudit(app);
if (document.getElementById("upstreams")) mountUpstreams(app);
mountMasthead(app);
startApp(app);
