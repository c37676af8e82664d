// FORMAT.md section 3, broken one MUST at a time. Every bundle here has a digest that fits.

#include <gtest/gtest.h>

#include "bundle_writer.h"

namespace charglow::testing {
namespace {

using nlohmann::ordered_json;

constexpr char kAgain[] = " Convert the model again with this version's scripts/convert.py.";

/// The refusal of a small bundle with one more, or another, metadata value.
std::string refusalWith(const std::string& key, const std::string& value) {
  TestBundle bundle = smallBundle();
  bundle.metadata[key] = value;
  const std::string text = openRefusal(bundle.binary());
  EXPECT_EQ(openRefusal(bundle.json().dump()).size(),
            text.find("header") == std::string::npos ? text.size() : text.size() - 8);
  return text;
}

TEST(Metadata, AllRequiredKeysMustBeThere) {
  TestBundle bundle = smallBundle();
  bundle.metadata = {{"digest", ""}, {"source", ""}, {"layers", ""}};
  const std::string start = "metadata-missing | m.safetensors, __metadata__: expected ";
  EXPECT_EQ(openRefusal(bundle.binary()), start + "\"digest\", found none." + kAgain + "\n" + start +
                                              "\"source\", found none." + kAgain + "\n" + start +
                                              "\"layers\", found none." + kAgain);
  bundle.metadata = {{"format", ""}};
  EXPECT_EQ(openRefusal(bundle.binary()).rfind("not-a-bundle", 0), 0u);
}

TEST(Metadata, UnknownKeysAreRefusedByName) {
  TestBundle bundle = smallBundle();
  bundle.metadata = {{"licence", "MIT"}, {"license", "MIT"}, {"Title", "x"}};
  const std::string start =
      "metadata-unknown | m.safetensors, __metadata__: expected keys of charglow/1, found ";
  EXPECT_EQ(openRefusal(bundle.binary()),
            start + "\"Title\"." + kAgain + "\n" + start + "\"license\"." + kAgain);
}

TEST(Metadata, ValuesMustBeStrings) {
  for (const auto& [value, shown] :
       std::vector<std::pair<ordered_json, std::string>>{{3, "3"},
                                                         {nullptr, "null"},
                                                         {true, "true"},
                                                         {ordered_json::array(), "an array"},
                                                         {ordered_json::object(), "an object"}}) {
    const TestBundle bundle = smallBundle();
    ordered_json header = bundle.headerJson();
    header["__metadata__"]["title"] = value;
    EXPECT_EQ(
        openRefusal(binaryFile(padded(header.dump()), bundle.data())),
        "json-type | m.safetensors, header, __metadata__, title: expected a string, found " + shown + ".");
    header["__metadata__"] = value;
    if (!value.is_object()) {
      EXPECT_EQ(openRefusal(binaryFile(padded(header.dump()), bundle.data())),
                "json-type | m.safetensors, header, __metadata__: expected an object, found " + shown + ".");
    }
  }
}

TEST(Metadata, MayNotHaveMoreThan64KeysNorMoreThan16MiBInTheJsonForm) {
  TestBundle bundle = smallBundle();
  for (int i = 0; i < 61; ++i) bundle.metadata["x" + std::to_string(i)] = "y";
  EXPECT_EQ(openRefusal(bundle.binary()),
            "metadata-size | m.safetensors, header, __metadata__: expected at most 64 keys, found more.");
  bundle.metadata = {{"title", std::string(16u << 20, 'x')}};
  EXPECT_EQ(openRefusal(bundle.json().dump()),
            "metadata-size | m.safetensors, __metadata__: expected at most 16777216 bytes, found more.");
}

TEST(Metadata, DigestMustBeSha256InLowerCaseHex) {
  const std::string hex(64, 'a');
  for (const std::string& digest : {hex, "sha256:" + hex.substr(1), "sha256:" + hex + "a", "sha1:" + hex,
                                    "sha256:" + std::string(64, 'A'), "sha256:" + hex.substr(1) + "g"}) {
    EXPECT_EQ(refusalWith("digest", digest),
              "metadata-value | m.safetensors, digest: expected \"sha256:\" and 64 lower-case hexadecimal "
              "digits, found \"" +
                  digest + "\".");
  }
}

TEST(Metadata, DigestMustFit) {
  const std::string zeros(64, '0');
  TestBundle bundle = smallBundle();
  const std::string right = bundle.allMetadata().at("digest");
  bundle.metadata["digest"] = "sha256:" + zeros;
  EXPECT_EQ(openRefusal(bundle.binary()),
            "digest-mismatch | m.safetensors: expected the content that its digest sha256:" + zeros +
                " belongs to, found " + right +
                ". The file is damaged, or was edited: download or convert it again.");
}

TEST(Metadata, SourceMustSayLayoutAndFile) {
  const std::string source = "metadata-value | m.safetensors, source";
  EXPECT_EQ(refusalWith("source", "[]"), source + ": expected an object, found an array of 0.");
  EXPECT_EQ(refusalWith("source", R"({"layout":"keras-hdf5"})"), source + ": expected \"file\", found none.");
  EXPECT_EQ(refusalWith("source", R"({"file":"a"})"), source + ": expected \"layout\", found none.");
  EXPECT_EQ(refusalWith("source", R"({"layout":"keras-hdf5","file":3})"),
            source + ", file: expected a string, found 3.");
  EXPECT_EQ(refusalWith("source", R"({"layout":"onnx","file":"a"})"),
            source +
                ", layout: expected \"keras-hdf5\", \"keras-hdf5-weights\", \"keras-v3\" or "
                "\"keras-v3-weights\", found \"onnx\"." +
                kAgain);
  EXPECT_EQ(refusalWith("source", R"({"layout":"keras-hdf5","file":"/home/me/a.h5"})"),
            source + ", file: expected a name without folders, found \"/home/me/a.h5\".");
  EXPECT_EQ(refusalWith("source", R"({"layout":"keras-hdf5","file":"a","size":"3"})"),
            source + ": expected only keys of the format, found \"size\".");
  EXPECT_EQ(refusalWith("source", "{")
                .rfind("json-syntax | m.safetensors, source: expected JSON, found its end too early", 0),
            0u);
  for (const char* layout : {"keras-hdf5", "keras-hdf5-weights", "keras-v3", "keras-v3-weights"}) {
    TestBundle other = smallBundle();
    other.metadata["source"] = std::string(R"({"layout":")") + layout + R"(","file":"a\\b.h5"})";
    EXPECT_NO_THROW(open(other.binary())) << layout;
  }
}

TEST(Metadata, AssetsMustBeTextByPath) {
  const std::string assets = "metadata-value | m.safetensors, assets";
  EXPECT_EQ(refusalWith("assets", "[]"), assets + ": expected an object of strings, found an array of 0.");
  EXPECT_EQ(refusalWith("assets", R"({"a/vocabulary.txt":["x"]})"),
            assets + ", a/vocabulary.txt: expected a string, found an array of 1.");
  EXPECT_EQ(refusalWith("assets", "{").rfind("json-syntax | m.safetensors, assets: ", 0), 0u);
  TestBundle bundle = smallBundle();
  bundle.metadata["assets"] = R"({"layers/text_vectorization/vocabulary.txt":"\n[UNK]\nthe","empty":""})";
  EXPECT_EQ(open(bundle.binary()).metadata("assets"), bundle.metadata["assets"]);
}

TEST(Metadata, ChoicesMustHaveAnIdAndAValue) {
  const std::string choices = "metadata-value | m.safetensors, choices";
  EXPECT_EQ(refusalWith("choices", R"(["a=b"])"),
            choices + ": expected an object of strings, found an array of 1.");
  EXPECT_EQ(refusalWith("choices", R"({"gru.reset_after":true})"),
            choices + ", gru.reset_after: expected a string, found true.");
  EXPECT_EQ(refusalWith("choices", R"({"lambda:mean":""})"),
            choices + ": expected an id and a value for every choice, found \"lambda:mean\": \"\".");
  EXPECT_EQ(refusalWith("choices", R"({"":"tanh"})"),
            choices + ": expected an id and a value for every choice, found \"\": \"tanh\".");
  TestBundle bundle = smallBundle();
  bundle.metadata["choices"] = R"-({"lambda:mean":"mean(axis=1)"})-";
  EXPECT_EQ(open(bundle.binary()).metadata("choices"), bundle.metadata["choices"]);
}

TEST(Metadata, LabelsMustBeStrings) {
  EXPECT_EQ(refusalWith("labels", R"({"0":"ham"})"),
            "metadata-value | m.safetensors, labels: expected an array of strings, found an object of 1.");
  EXPECT_EQ(refusalWith("labels", R"(["ham",1])"),
            "metadata-value | m.safetensors, labels: expected strings, found 1.");
}

TEST(Metadata, ExamplesMustHaveText) {
  const std::string examples = "metadata-value | m.safetensors, examples";
  EXPECT_EQ(refusalWith("examples", "{}"),
            examples + ": expected an array of objects, found an object of 0.");
  EXPECT_EQ(refusalWith("examples", R"(["hi"])"), examples + "[0]: expected an object, found \"hi\".");
  EXPECT_EQ(refusalWith("examples", R"([{"text":"hi"},{"title":"t"}])"),
            examples + "[1]: expected \"text\", found none.");
  EXPECT_EQ(refusalWith("examples", R"([{"text":"hi","note":1}])"),
            examples + "[0], note: expected a string, found 1.");
  EXPECT_EQ(refusalWith("examples", R"([{"text":"hi","label":"ham"}])"),
            examples + "[0]: expected only keys of the format, found \"label\".");
}

TEST(Metadata, JsonInItIsAsStrictAsTheHeader) {
  EXPECT_EQ(
      refusalWith("layers", std::string(100000, '[')),
      "json-depth | m.safetensors, layers: expected at most 16 levels of nesting, found more at byte 17.");
  EXPECT_EQ(refusalWith("labels", R"(["a"] x)").rfind("json-syntax | m.safetensors, labels: ", 0), 0u);
  EXPECT_EQ(refusalWith("source", R"({"file":"a","file":"b","layout":"keras-hdf5"})")
                .rfind("json-duplicate-key | m.safetensors, source: expected every key once, found \"file\" "
                       "again before byte ",
                       0),
            0u);
}

TEST(Layers, MustBeNamesAndWeights) {
  const std::string form = R"(: expected {"name": string, "weights": [string, …]}, found an object of )";
  EXPECT_EQ(refusalWith("layers", "{}"),
            "layers-form | m.safetensors, layers: expected an array of layers, found an object of 0.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e"}])"),
            "layers-form | m.safetensors, layers[0]" + form + "1.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e","weights":"e/t:0"}])"),
            "layers-form | m.safetensors, layers[0]" + form + "2.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":3,"weights":[]}])"),
            "layers-form | m.safetensors, layers[0]" + form + "2.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e","weights":[],"class":"GRU"}])"),
            "layers-form | m.safetensors, layers[0]" + form + "3.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e","weights":[3]}])"),
            "layers-form | m.safetensors, layers[0], weights: expected names of tensors, found 3.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e","weights":[]},{"name":"e","weights":[]}])"),
            "layers-form | m.safetensors, layers[1]: expected every layer's name once, found \"e\" again.");
}

TEST(Layers, MayHaveAKerasNameAndNamesOfWhatIsLeftOut) {
  const std::string place = "layers-form | m.safetensors, layers[0]";
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e","keras_name":3,"weights":[]}])"),
            place + ", keras_name: expected a string, found 3.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e","weights":[],"left_out":["a"]}])"),
            place + ", left_out: expected an object of kinds by array, found an array of 1.");
  EXPECT_EQ(refusalWith("layers", R"([{"name":"e","weights":[],"left_out":{}}])"),
            place + ", left_out: expected an object of kinds by array, found an object of 0.");
  for (const char* kind : {R"("int64")", "3"}) {
    EXPECT_EQ(
        refusalWith("layers", std::string(R"([{"name":"e","weights":[],"left_out":{"e/n":)") + kind + "}}]"),
        place + ", left_out, e/n: expected \"integer\", \"string\" or \"enumeration\", found " + kind + ".");
  }
  TestBundle bundle = smallBundle();
  bundle.metadata["layers"] =
      R"([{"name":"","keras_name":"functional","weights":[],"left_out":{"vars/0":"integer","vars/1":"string"}},)"
      R"({"name":"e","weights":["e/t:0","e/s:0"],"left_out":{"e/n":"enumeration"}},)"
      R"({"name":"d","keras_name":"score","weights":["d/w:0","d/h:0"]}])";
  const Bundle opened = open(bundle.binary());
  ASSERT_EQ(opened.layers().size(), 3u);
  EXPECT_EQ(opened.layers()[0].layer, "");
  EXPECT_EQ(opened.layers()[0].kerasName, "functional");
  EXPECT_EQ(opened.layers()[0].leftOut,
            (std::map<std::string, std::string>{{"vars/0", "integer"}, {"vars/1", "string"}}));
  EXPECT_EQ(opened.layers()[1].kerasName, "");
  EXPECT_EQ(opened.layers()[1].leftOut.at("e/n"), "enumeration");
  EXPECT_EQ(opened.layers()[2].kerasName, "score");
  EXPECT_EQ(opened.layers()[2].tensors.size(), 2u);
  EXPECT_TRUE(opened.layers()[2].leftOut.empty());
}

TEST(Layers, EveryNameMustBeATensorAndEveryTensorNamedOnce) {
  TestBundle bundle = smallBundle();
  bundle.layers = {{"e", {"e/t:0", "e/x:0", "e/t:0"}}, {"d", {"d/w:0", "d/W:0", "e/t:0"}}};
  EXPECT_EQ(
      openRefusal(bundle.binary()),
      "tensor-missing | m.safetensors, layer e: expected the tensor \"e/x:0\", found none of that name.\n"
      "tensor-twice | m.safetensors, tensor e/t:0: expected its name once in layers, found it again in layer "
      "\"e\".\n"
      "tensor-missing | m.safetensors, layer d: expected the tensor \"d/W:0\", found none of that name.\n"
      "tensor-unlisted | m.safetensors, tensor e/s:0: expected its name in layers, found none.\n"
      "tensor-unlisted | m.safetensors, tensor d/h:0: expected its name in layers, found none.");
}

TEST(Layers, AThousandMismatchesAreListedToTwenty) {
  TestBundle bundle = smallBundle();
  for (int i = 0; i < 1000; ++i) bundle.layers[1].weights.push_back("x" + std::to_string(i));
  const std::string text = openRefusal(bundle.binary());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 20);
  EXPECT_NE(text.find("expected layers and tensors to match, found 980 more that do not."),
            std::string::npos);
}

TEST(Layers, NamesInMessagesAreClippedAndEscaped) {
  TestBundle bundle = smallBundle();
  bundle.layers[1].weights = {"<img onerror=x>\n\u202e" + std::string(1000000, 'x')};
  const std::string text = openRefusal(bundle.binary());
  EXPECT_LT(text.size(), 400u);
  EXPECT_NE(text.find("\"<img onerror=x>\\n\\u202exxx"), std::string::npos) << text;
  EXPECT_NE(text.find("…\" (1,000,017 characters)"), std::string::npos) << text;
}

}  // namespace
}  // namespace charglow::testing
