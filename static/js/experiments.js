/** The page of one's experiments. */

import { createApp, startApp } from "./app.js";
import { readExperimentsView, writeExperimentsView } from "./logic/experiments.js";
import { mountExperiments } from "./panels/experiments.js";
import { mountMasthead } from "./panels/masthead.js";

const app = createApp({ read: readExperimentsView, write: writeExperimentsView });
mountExperiments(app);
mountMasthead(app);
startApp(app);
