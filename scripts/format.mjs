/** npm run format: brings the C++ code into the style of .clang-format. */
import "./lib/node_version.mjs";
import { cppSources } from "./lib/cpp_sources.mjs";
import { must } from "./lib/run.mjs";
import { done, main } from "./lib/say.mjs";
import { setUp } from "./lib/setup.mjs";

await main(async () => {
  const { paths } = await setUp(["clangFormat"]);
  const files = cppSources();
  await must(paths.clangFormat ?? "clang-format", ["-i", ...files]);
  done(`Formatted ${files.length} files`);
});
