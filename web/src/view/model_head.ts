/** What the page says of the model in use: its name, what sort it is, how much of it was assumed. */
import type { ModelCard } from "#engine";
import { undecided } from "./assumptions.ts";
import { byId, clip, setText } from "./dom.ts";
import { modelFacts } from "./model_card.ts";

export function showModel(card: ModelCard, title: string, fileName: string): void {
  setText(byId("model-title", HTMLElement), clip(title, 60));
  const facts = modelFacts(card);
  const about = byId("model-button", HTMLButtonElement);
  about.hidden = false;
  about.title = `Model card of ${clip(fileName, 120)}`;
  about.setAttribute("aria-label", facts ? `Model card: ${facts}` : "Model card");
  setText(byId("model-facts", HTMLElement), facts || "Model card");
  const [open, count] = [byId("assumptions-button", HTMLButtonElement), undecided(card)];
  open.hidden = count === 0;
  open.textContent = count === 1 ? "1 assumption" : `${count} assumptions`;
  open.title = "Where the model\u2019s file is silent, this was assumed; another choice may give another prediction.";
}
