// The engine, natively, as a contestant of the benchmark: the requests and replies of runners/host.mjs, a
// line of JSON each.

#include <chrono>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "corpus.h"
#include "error.h"
#include "model.h"
#include "session.h"

namespace {

using charglow::Model;
using charglow::Session;
using charglow::SourceText;
using nlohmann::json;

std::vector<std::byte> readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": expected a file, found none");
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  return {data, data + bytes.size()};
}

/// What a model is given at once: texts of ASCII characters, or numbers.
struct Step {
  explicit Step(const json& from) : timed(from.value("timed", true)) {
    if (!from.contains("texts")) {
      numbers = from.at("rows").at(0).get<std::vector<float>>();
      return;
    }
    for (const json& text : from.at("texts")) {
      const std::string bytes = text;
      texts.emplace_back(bytes.begin(), bytes.end());
      origins.emplace_back(bytes.size());
      std::iota(origins.back().begin(), origins.back().end(), 0U);
    }
  }

  /// Runs it. Returns the first output of several texts; that of one, or of numbers, is in the session.
  std::vector<float> run(Session& session, const std::shared_ptr<const Model>& model) const {
    if (!numbers.empty()) {
      const std::vector<int> shape = {1, static_cast<int>(numbers.size()), 1};
      session.setInput(numbers, shape);
      return {};
    }
    std::vector<SourceText> sources;
    for (size_t i = 0; i < texts.size(); ++i) sources.push_back({texts[i].size(), texts[i], origins[i]});
    if (sources.size() > 1) return charglow::runTexts(model, sources).at(0).data;
    session.setText(sources.at(0));
    return {};
  }

  bool timed;
  std::vector<std::u32string> texts;
  std::vector<std::vector<uint32_t>> origins;
  std::vector<float> numbers;
};

struct Opened {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Session> session;
  std::vector<Step> steps{};
  size_t next = 0;
};

json check(Opened& opened, const Step& step) {
  Session& session = *opened.session;
  const std::vector<float> predictions = step.run(session, opened.model);
  if (!predictions.empty()) return {{"outputs", {{"prediction", predictions}}}};
  json outputs = {{"prediction", session.value(opened.model->graph().outputs.at(0)).data}};
  const auto& sites = opened.model->attention();
  if (!sites.empty()) outputs["attention"] = session.attention(sites.front()).values;
  return {{"outputs", outputs}};
}

json sample(Opened& opened, int count) {
  using Clock = std::chrono::steady_clock;
  Clock::duration total{};
  for (int done = 0; done < count;) {
    const Step& step = opened.steps.at(opened.next++ % opened.steps.size());
    const Clock::time_point start = Clock::now();
    step.run(*opened.session, opened.model);
    if (!step.timed) continue;
    total += Clock::now() - start;
    ++done;
  }
  return {{"ms", std::chrono::duration<double, std::milli>(total).count() / count}};
}

json answer(const json& request, std::map<std::string, Opened>& models) {
  const std::string op = request.at("op");
  const std::string key = request.at("key");
  if (op == "open") {
    const auto start = std::chrono::steady_clock::now();
    const std::string folder = request.at("folder");
    const auto model = Model::open(readFile(folder + "/model.safetensors"), "model.safetensors");
    models[key] = {model, std::make_unique<Session>(model)};
    return {
        {"ms", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count()}};
  }
  Opened& opened = models.at(key);
  if (op == "check") return check(opened, Step(request.at("step")));
  if (op == "sample") return sample(opened, request.at("count"));
  if (op == "prepare") {
    opened.steps.clear();
    opened.next = 0;
    for (const json& step : request.at("steps")) opened.steps.emplace_back(step);
  } else if (op == "close") {
    models.erase(key);
  } else {
    throw std::runtime_error("op: expected one of open, check, prepare, sample, close, found " + op);
  }
  return json::object();
}

}  // namespace

int main() {
  std::map<std::string, Opened> models;
  std::string line;
  while (std::getline(std::cin, line)) {
    json reply;
    try {
      reply = answer(json::parse(line), models);
    } catch (const std::exception& error) {
      reply = {{"error", error.what()}};
    }
    std::cout << reply.dump() << '\n' << std::flush;
  }
}
