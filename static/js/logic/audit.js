/** Administrative acts as lines. */

import { parseTime } from "./time.js";

/** "change_role" → "change role". */
export const actText = (action) => action.replaceAll("_", " ");

/** An entry of the audit log as the panel shows it. */
export function auditRow({ id, user_id: who, action, target, details, created_at: at }) {
  const more = Object.entries(details ?? {}).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return { id, who, act: actText(action), target, more: more.join(", "), at: parseTime(at), timestamp: at };
}
