// The engine's WebAssembly interface: the only file that knows Emscripten. host.mjs makes of it what
// engine.d.ts describes. Nothing here throws into JavaScript: every call returns either {value} or
// {problems}.

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "bundle/bytes.h"
#include "corpus.h"
#include "error.h"
#include "keras/config_reader.h"
#include "layers/registry.h"
#include "model.h"
#include "parity.h"
#include "session.h"
#include "text/text_spec.h"

namespace {

using charglow::Error;
using charglow::Model;
using charglow::Problem;
using charglow::Session;
using emscripten::val;

val problemObject(const Problem& problem) {
  val object = val::object();
  object.set("code", problem.code);
  object.set("where", problem.where);
  object.set("expected", problem.expected);
  object.set("actual", problem.actual);
  object.set("hint", problem.hint);
  object.set("choice", problem.choice);
  object.set("text", problem.text());
  return object;
}

val failure(const std::vector<Problem>& problems) {
  val list = val::array();
  for (const Problem& problem : problems) list.call<void>("push", problemObject(problem));
  val result = val::object();
  result.set("problems", list);
  return result;
}

val outOfMemory() {
  return failure({{"out-of-memory", "the engine", "enough memory for this model and text", "none left",
                   "Close other tabs, or use a shorter text or a smaller model."}});
}

/// Runs `work` and returns {value: its result}, or {problems: …} for whatever it throws.
template <class Work>
val guarded(Work work) {
  try {
    val result = val::object();
    result.set("value", work());
    return result;
  } catch (const Error& error) {
    return failure(error.problems());
  } catch (const std::bad_alloc&) {
    return outOfMemory();
  } catch (const std::length_error&) {  // more than a container can ever hold
    return outOfMemory();
  } catch (const std::exception& error) {
    return failure({{"internal", "the engine", "no error of this kind", error.what(),
                     "Please report this, with the file."}});
  }
}

/// A typed array of JavaScript's own that holds a copy: a view would die when the WebAssembly memory grows.
template <class T>
val copied(const char* type, const T* data, size_t count) {
  return val::global(type).new_(emscripten::typed_memory_view(count, data));
}

/// The content of a typed array, copied in one go.
template <class T>
std::vector<T> received(const val& array) {
  std::vector<T> values(array["length"].as<size_t>());
  val(emscripten::typed_memory_view(values.size(), values.data())).call<void>("set", array);
  return values;
}

val shapeArray(const charglow::Shape& shape) {
  val sizes = val::array();
  for (const charglow::Dim& dim : shape) sizes.call<void>("push", dim.size);
  return sizes;
}

val namedArray(const std::string& layer, const val& shape, const float* values, size_t count) {
  val array = val::object();
  array.set("layer", layer);
  array.set("shape", shape);
  array.set("values", copied("Float32Array", values, count));
  return array;
}

val nodeArray(const Session& session, size_t node) {
  const charglow::Value& value = session.value(node);
  return namedArray(session.model().graph().nameOf(node), shapeArray(value.shape), value.data.data(),
                    value.data.size());
}

/// Signal of engine.d.ts.
val signalObject(const Session& session, const charglow::AttentionSite& site,
                 const charglow::SignalValues& signal) {
  val shape = val::array();
  for (const int size : signal.shape) shape.call<void>("push", size);
  val axes = val::array();
  for (const charglow::SignalAxis axis : signal.axes)
    axes.call<void>("push", std::string(charglow::axisName(axis)));
  val object = namedArray(session.model().graph().nodes[site.node].layer->name(), shape, signal.values.data(),
                          signal.values.size());
  object.set("id", site.id);
  object.set("axes", axes);
  return object;
}

/// The attention signals of the last run, of those watched (nullptr: all).
val signals(const Session& session, const std::vector<std::string>* watched) {
  val list = val::array();
  // A batch has no one text to colour.
  if (session.value(session.model().graph().inputs[0]).shape[0].size != 1) return list;
  for (const charglow::AttentionSite& site : session.model().attention()) {
    if (watched == nullptr || std::find(watched->begin(), watched->end(), site.id) != watched->end())
      list.call<void>("push", signalObject(session, site, session.attention(site)));
  }
  return list;
}

/// RunResult of engine.d.ts.
val resultOf(const Session& session, const std::vector<std::string>* watched) {
  const charglow::Graph& graph = session.model().graph();
  const charglow::EncodedText& encoded = session.encoded();
  val result = val::object();
  val outputs = val::array();
  for (const size_t output : graph.outputs) outputs.call<void>("push", nodeArray(session, output));
  result.set("outputs", outputs);
  result.set("signals", signals(session, watched));
  result.set("input", session.lastInput());
  result.set("ids", copied("Int32Array", encoded.ids.data(), encoded.ids.size()));
  result.set("padding", copied("Uint8Array", encoded.padding.data(), encoded.padding.size()));
  if (!session.hasText()) return result;
  val text = val::object();
  text.set("length", encoded.fate.size());
  text.set("fate",
           copied("Uint8Array", reinterpret_cast<const uint8_t*>(encoded.fate.data()), encoded.fate.size()));
  text.set("position", copied("Int32Array", encoded.position.data(), encoded.position.size()));
  text.set("count", copied("Uint8Array", encoded.count.data(), encoded.count.size()));
  text.set("id", copied("Int32Array", encoded.id.data(), encoded.id.size()));
  result.set("text", text);
  return result;
}

/// Calls the host's lowerCase(codePoints) → {text: Uint32Array, origin: Uint32Array}.
charglow::LowerCase lowerCaseBy(const val& host) {
  return [host](std::u32string_view text) {
    const val lowered =
        host(copied("Uint32Array", reinterpret_cast<const uint32_t*>(text.data()), text.size()));
    const std::vector<uint32_t> points = received<uint32_t>(lowered["text"]);
    return charglow::LoweredText{std::u32string(points.begin(), points.end()),
                                 received<uint32_t>(lowered["origin"])};
  };
}

/// ParityReport of engine.d.ts; null where there are no cases.
val reportObject(const charglow::ParityReport& report) {
  if (report.cases.empty()) return val::null();
  val object = val::object();
  object.set("made_with", report.madeWith);
  object.set("output_difference", report.outputDifference());
  object.set("attention_difference", report.attentionDifference());
  object.set("agrees", report.agrees());
  val cases = val::array();
  for (const charglow::ParityCase& one : report.cases) {
    val entry = val::object();
    entry.set("name", one.name);
    entry.set("output_difference", one.outputDifference);
    entry.set("attention_difference", one.attentionDifference);
    entry.set("ids_agree", one.idsAgree);
    entry.set("agrees", one.agrees());
    entry.set("problem", one.problem);
    cases.call<void>("push", entry);
  }
  object.set("cases", cases);
  return object;
}

/// The handle of a comparison with Keras.
class VerificationHandle {
 public:
  VerificationHandle(const std::shared_ptr<const Model>& model, charglow::LowerCase lower)
      : verification_(model, std::move(lower)) {}

  val next() {
    return guarded([&] { return val(verification_.next()); });
  }
  val report() const {
    return guarded([&] { return reportObject(verification_.report()); });
  }

 private:
  charglow::Verification verification_;
};

/// The handle of a session.
class SessionHandle {
 public:
  explicit SessionHandle(std::shared_ptr<const Model> model) : session_(std::move(model)) {}

  val setText(size_t length, const val& text, const val& origin, size_t input) {
    return guarded([&] {
      const std::vector<uint32_t> points = received<uint32_t>(text);
      const std::u32string read(points.begin(), points.end());
      session_.setText({length, read, received<uint32_t>(origin)}, input);
      return result();
    });
  }
  val setIds(const val& ids, size_t input) {
    return guarded([&] {
      session_.setIds(received<int32_t>(ids), 1, input);
      return result();
    });
  }
  val setInput(const val& values, const val& shape, size_t input) {
    return guarded([&] {
      session_.setInput(received<float>(values), received<int>(shape), input);
      return result();
    });
  }
  /// `ids`: an array of signal ids, or null for all.
  val watch(const val& ids) {
    return guarded([&] {
      watching_ = !ids.isNull();
      watched_ = watching_ ? emscripten::vecFromJSArray<std::string>(ids) : std::vector<std::string>();
      return val::null();
    });
  }
  /// `index`: an array; empty: the largest element of the output.
  val signal(const std::string& id, size_t output, const val& index) {
    return guarded([&] {
      for (const charglow::GradientSite& site : session_.model().gradients()) {
        if (site.id == id)
          return signalObject(session_, site, session_.reaction(site, {output, received<int>(index)}));
      }
      for (const charglow::AttentionSite& site : session_.model().attention()) {
        if (site.id == id) return signalObject(session_, site, session_.attention(site));
      }
      for (const charglow::StateSite& site : session_.model().states()) {
        if (site.id == id) return signalObject(session_, site, session_.state(site));
      }
      throw Error(
          {"unknown-signal", "signal \"" + id + "\"", "a signal of the model", "none of this name", ""});
    });
  }
  /// Gradients of engine.d.ts.
  val gradient(size_t output, const val& index) {
    return guarded([&] {
      const charglow::OutputElement of = session_.differentiate({output, received<int>(index)});
      const charglow::Graph& graph = session_.model().graph();
      val result = val::object();
      result.set("output", graph.nameOf(graph.outputs[of.output]));
      result.set("index", copied("Int32Array", of.index.data(), of.index.size()));
      val list = val::array();
      size_t before = graph.nodes.size();
      for (const charglow::GradientSite& site : session_.model().gradients()) {
        if (site.node == before) continue;  // its other measure
        before = site.node;
        const charglow::Value& vectors = session_.value(site.node);
        std::vector<float> values(vectors.data.size(), 0.0f);
        const std::span<const float> gradient = session_.gradient(site.node);
        std::copy(gradient.begin(), gradient.end(), values.begin());
        list.call<void>("push", namedArray(graph.nameOf(site.node), shapeArray(vectors.shape), values.data(),
                                           values.size()));
      }
      result.set("gradients", list);
      return result;
    });
  }
  val layer(const std::string& name) {
    return guarded([&] { return nodeArray(session_, session_.nodeOf(name)); });
  }
  val carryStates(bool carry) {
    return guarded([&] {
      session_.carryStates(carry);
      return val::null();
    });
  }
  val resetStates() {
    return guarded([&] {
      session_.resetStates();
      return val::null();
    });
  }
  val attention(const std::string& layer) {
    return guarded([&] { return nodeArray(session_, session_.attentionNodeOf(layer)); });
  }

 private:
  val result() { return resultOf(session_, watching_ ? &watched_ : nullptr); }

  Session session_;
  bool watching_ = false;
  std::vector<std::string> watched_;
};

/// The handle of a model.
class ModelHandle {
 public:
  explicit ModelHandle(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  [[nodiscard]] val card() const {
    return guarded([&] { return val(model_->card()); });
  }
  val withText(const std::string& vocabulary, const std::string& fileName) const {
    return guarded(
        [&] { return val(std::make_shared<ModelHandle>(model_->withText(vocabulary, fileName))); });
  }
  val newSession() const {
    return guarded([&] { return val(std::make_shared<SessionHandle>(model_)); });
  }
  /// `texts`: an array of {length, text, origin}, as setText takes them.
  val runTexts(const val& texts, size_t input) const {
    return guarded([&] {
      struct Received {
        std::u32string text;
        std::vector<uint32_t> origin;
      };
      std::vector<Received> received;
      std::vector<charglow::SourceText> sources;
      const size_t count = texts["length"].as<size_t>();
      received.reserve(count);  // what `sources` looks at must stay where it is
      for (size_t i = 0; i < count; ++i) {
        const val one = texts[i];
        const std::vector<uint32_t> points = ::received<uint32_t>(one["text"]);
        const Received& kept = received.emplace_back(
            Received{{points.begin(), points.end()}, ::received<uint32_t>(one["origin"])});
        sources.push_back({one["length"].as<size_t>(), kept.text, kept.origin});
      }
      val list = val::array();
      if (sources.empty()) return list;
      const std::vector<charglow::Value> outputs = charglow::runTexts(model_, sources, input);
      for (size_t k = 0; k < outputs.size(); ++k) {
        list.call<void>(
            "push", namedArray(model_->graph().nameOf(model_->graph().outputs[k]),
                               shapeArray(outputs[k].shape), outputs[k].data.data(), outputs[k].data.size()));
      }
      return list;
    });
  }
  val verification(const val& lowerCase) const {
    return guarded([&] { return val(std::make_shared<VerificationHandle>(model_, lowerCaseBy(lowerCase))); });
  }

 private:
  std::shared_ptr<const Model> model_;
};

/// `choices`: an array of ids and values in turn.
val openModel(const val& bytes, const std::string& fileName, const val& choices) {
  return guarded([&] {
    std::map<std::string, std::string> given;
    const std::vector<std::string> pairs = emscripten::vecFromJSArray<std::string>(choices);
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) given[pairs[i]] = pairs[i + 1];
    std::vector<std::byte> raw = charglow::zeroBytes(bytes["length"].as<size_t>());
    const auto view = emscripten::typed_memory_view(raw.size(), reinterpret_cast<uint8_t*>(raw.data()));
    val(view).call<void>("set", bytes);
    return val(std::make_shared<ModelHandle>(Model::open(std::move(raw), fileName, given)));
  });
}

val textObject(const std::string& vocabulary, const std::string& fileName) {
  return guarded([&] { return val(charglow::textObject(charglow::parseVocabulary(vocabulary, fileName))); });
}

std::string version() { return CHARGLOW_VERSION; }

val layers() {
  val names = val::array();
  for (const std::string& name : charglow::layerClasses()) names.call<void>("push", name);
  return names;
}

bool isHarmless(const std::string& option) { return charglow::isHarmless(option); }

}  // namespace

EMSCRIPTEN_BINDINGS(charglow) {
  emscripten::function("openModel", &openModel);
  emscripten::function("textObject", &textObject);
  emscripten::function("version", &version);
  emscripten::function("layers", &layers);
  emscripten::function("isHarmless", &isHarmless);
  emscripten::class_<ModelHandle>("ModelHandle")
      .smart_ptr<std::shared_ptr<ModelHandle>>("ModelHandle")
      .function("card", &ModelHandle::card)
      .function("withText", &ModelHandle::withText)
      .function("newSession", &ModelHandle::newSession)
      .function("runTexts", &ModelHandle::runTexts)
      .function("verification", &ModelHandle::verification);
  emscripten::class_<VerificationHandle>("VerificationHandle")
      .smart_ptr<std::shared_ptr<VerificationHandle>>("VerificationHandle")
      .function("next", &VerificationHandle::next)
      .function("report", &VerificationHandle::report);
  emscripten::class_<SessionHandle>("SessionHandle")
      .smart_ptr<std::shared_ptr<SessionHandle>>("SessionHandle")
      .function("setText", &SessionHandle::setText)
      .function("setIds", &SessionHandle::setIds)
      .function("setInput", &SessionHandle::setInput)
      .function("watch", &SessionHandle::watch)
      .function("signal", &SessionHandle::signal)
      .function("carryStates", &SessionHandle::carryStates)
      .function("resetStates", &SessionHandle::resetStates)
      .function("attention", &SessionHandle::attention)
      .function("gradient", &SessionHandle::gradient)
      .function("layer", &SessionHandle::layer);
}
