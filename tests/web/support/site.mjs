/** The browser and the served page (dist/) that the tests of a file share. */
import { after, before } from "node:test";
import { launch, serveDist } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
export let browser;
/** @type {Awaited<ReturnType<typeof serveDist>>} */
export let server;

/** Starts both before the file's tests, and closes them afterwards. */
export function useSite() {
  before(async () => {
    browser = await launch();
    server = await serveDist();
  });
  after(async () => {
    await browser.close();
    await server.close();
  });
}
