/** Accounts as rows: in words, with what may be done. */

import { agoText, parseTime } from "./time.js";

export const ROLES = ["viewer", "analyst", "administrator"];
export const SHORTEST_PASSWORD = 12;

/** An account as the panel shows it. */
export function accountRow(account, now, ownId) {
  const { id, name, role, status } = account;
  const active = status === "active";
  const seen = parseTime(account.signed_in_at);
  return {
    id,
    name,
    role,
    active,
    own: id === ownId,
    roleText: role || "no role",
    statusText: active ? "Active" : "Disabled",
    tone: active ? (role ? "ok" : "warn") : "off",
    seenText: seen === null || Number.isNaN(seen) ? "never signed in" : `signed in ${agoText(seen, now)}`,
  };
}

/** The name as the server keeps it; what is said beside the field where it cannot be one. */
export function nameFault(name, kind) {
  const text = name.trim().toLowerCase();
  if (kind === "supabase") return /^[^\s@]+@[^\s@]+$/.test(text) ? "" : "With Supabase a name is an e-mail address.";
  if (text === "admin") return "The name admin belongs to the administrator's token.";
  return /^[a-z0-9][a-z0-9._@+-]{0,63}$/.test(text) ? "" : "1 to 64 of the characters a-z, 0-9 and . _ @ + -";
}

/** What is said beside a password that is too short; an empty one is fine, then the server makes one. */
export function passwordFault(password) {
  return !password || password.length >= SHORTEST_PASSWORD ? "" : `At least ${SHORTEST_PASSWORD} characters, or none at all.`;
}
