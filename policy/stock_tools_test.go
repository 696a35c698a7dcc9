package policy

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stockInput is what the gate, opa and conftest are given alike: files to be judged together, as a rule's example has them.
type stockInput struct {
	ruleExample

	// alone is what only the gate sees in it, because it reads policies and files as strictly as AWS and Pulumi write them.
	alone alone
}

// alone says what the gate sees and Rego alone does not.
type alone string

const (
	nothing alone = "nothing"
	// theReason is what is wrong with a policy that every tool finds malformed.
	theReason alone = "what is wrong with a malformed policy"
	// thePolicy is that a policy is malformed.
	thePolicy alone = "that a policy is malformed"
	// theFile is that Pulumi does not write such a file.
	theFile alone = "that the file is not from Pulumi"
)

// madeInputs are previews that the examples of the rules leave out. OPA's JSON has no names that stand twice and no text that is not
// Unicode: by the time the rules are asked it does not show that the file had any.
func madeInputs() map[alone]map[string]string {
	const urn = `"urn":"urn:pulumi:b::p::aws:s3/bucketPolicy:BucketPolicy::x","type":"aws:s3/bucketPolicy:BucketPolicy"`
	step := func(policy string) string {
		quoted, _ := json.Marshal(policy) // A string always can be.
		return `{"op":"create","newState":{` + urn + `,"inputs":{"bucket":"b","policy":` + string(quoted) + `}}}`
	}
	file := func(policy string) string {
		return `{"config":{"aws:allowedAccountIds":"[\"987654321098\"]"},"steps":[` + step(policy) + `],"changeSummary":{"create":1}}`
	}
	with := func(text, old, changed string) string { return strings.Replace(text, old, changed, 1) }
	good := secureBucketPolicy
	return map[alone]map[string]string{
		nothing: {
			"other spellings": file(strings.NewReplacer(`"s3:*"`, `["S3:*"]`, `"false"`, `[false]`, `"1.2"`, `1.2`).Replace(good)),
			"other line ends": strings.ReplaceAll(file(good), ",\"", ",\r\n\""),
			"several findings": file(`{"Version":"2012-10-17","Id":"x","Statement":[
				{"Sid":"A","Effect":"Allow","Principal":"*","Action":["s3:Get*","s3:PutBucketPolicy"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]},
				{"Sid":"B","Effect":"Allow","Principal":{"AWS":["111122223333","AROAEXAMPLEEXAMPLEAAA"],"Service":"cloudtrail.amazonaws.com"},
					"Action":"s3:ListBucket","Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}]}`),
			"an encrypted policy": with(file(""), `"policy":""`,
				`"policy":{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","ciphertext":"x"}`),
			"a secret policy":       file("[secret]"),
			"no policy":             with(file(""), `,"policy":""`, ``),
			"nothing that is made":  with(file(good), `"op":"create"`, `"op":"delete"`),
			"a preview that failed": with(file(good), `"steps"`, `"diagnostics":[{"severity":"error","message":"x"}],"steps"`),
		},
		theReason: {
			"an empty policy":        file(""),
			"an unknown element":     file(with(good, `"Effect"`, `"Effects":"Deny","Effect"`)),
			"an unknown operator":    file(with(good, `"Bool"`, `"Boole"`)),
			"text behind the policy": file(good + "x"),
		},
		thePolicy: {
			"an element twice":      file(with(good, `"Effect":"Deny"`, `"Effect":"Allow","Effect":"Deny"`)),
			"a condition key twice": file(with(good, `{"aws:S`, `{"aws:SecureTransport":"true","aws:S`)),
			"half of a character":   file(with(good, `"Effect"`, `"Sid":"\ud800","Effect"`)),
		},
		theFile: {
			"aws-native":       with(file(good), step(good), step(good)+","+strings.ReplaceAll(step(good), "aws:s3/bucketPolicy", "aws-native:s3")),
			"a resource twice": with(file(good), step(good), step(good)+","+step(good)),
		},
	}
}

func stockInputs(t *testing.T) map[string]stockInput {
	t.Helper()
	inputs := map[string]stockInput{}
	for _, example := range ruleExamplesOnDisk(t) {
		inputs[example.name()] = stockInput{example, nothing}
	}
	dir := t.TempDir()
	for alone, texts := range madeInputs() {
		for name, text := range texts {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			inputs[name] = stockInput{ruleExample{paths: []string{path}}, alone}
		}
	}
	return inputs
}

// What docs/stock-tools.md tells users to run gives the findings that the gate gives, but for what only the gate sees.
func TestStockTools(t *testing.T) {
	opa, conftest := stockTool(t, "opa"), stockTool(t, "conftest")
	for name, input := range stockInputs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judged, err := input.judge(t)
			ours := slices.Clone(judged.Findings)
			for _, excepted := range judged.Excepted {
				ours = append(ours, excepted.Finding)
			}
			compareWithGate(t, "opa", input.alone, askOPA(t, opa, input.ruleExample), ours, err)
			// conftest does not show what exceptions cover.
			compareWithGate(t, "conftest", input.alone, askConftest(t, conftest, input.ruleExample), judged.Findings, err)
		})
	}
}

func compareWithGate(t *testing.T, tool string, alone alone, theirs, ours []Finding, err error) {
	t.Helper()
	unjudged := func(f Finding) bool { return f.Rule == unjudgedRule }
	switch alone {
	case theFile:
		if err == nil || len(theirs) > 0 {
			t.Errorf("the gate has the error %v, and %s %+v; only the gate should see %s", err, tool, theirs, alone)
		}
		return
	case thePolicy:
		if !slices.ContainsFunc(ours, unjudged) || slices.ContainsFunc(theirs, unjudged) {
			t.Errorf("the gate finds %+v, and %s %+v; only the gate should see %s", ours, tool, theirs, alone)
		}
		return
	case theReason:
		if !slices.ContainsFunc(ours, unjudged) {
			t.Errorf("the gate finds only %+v", ours)
		}
		ours, theirs = withoutReasons(ours), withoutReasons(theirs)
	case nothing:
	}
	if err != nil {
		t.Fatalf("the gate: %v", err)
	}
	if got, want := sortedJSON(t, theirs), sortedJSON(t, ours); got != want {
		t.Errorf("%s finds\n%s\nthe gate\n%s", tool, got, want)
	}
}

// withoutReasons leaves out what the messages say about malformed policies.
func withoutReasons(findings []Finding) []Finding {
	findings = slices.Clone(findings)
	for i := range findings {
		if findings[i].Rule == unjudgedRule {
			findings[i].Message = ""
		}
	}
	return findings
}

// sortedJSON is the findings as JSON, a line each.
func sortedJSON(t *testing.T, findings []Finding) string {
	t.Helper()
	var b strings.Builder
	for _, finding := range slices.SortedFunc(slices.Values(findings), compareFindings) {
		text, err := json.Marshal(finding)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(text, '\n'))
	}
	return b.String()
}

// stockTool is the path of a tool in the version that its module under tools/ requires. Go builds it, unless it has built it before.
func stockTool(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(string(output(t, "go", "tool", "-modfile=../tools/"+name+"/go.mod", "-n", name)))
}

// output is what a command writes to its standard output; whether it finds something does not matter.
func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	var complaint strings.Builder
	command.Stderr = &complaint
	text, err := command.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || len(text) == 0) {
		t.Fatalf("%s: %v\n%s", command, err, complaint.String())
	}
	return text
}

func askOPA(t *testing.T, opa string, example ruleExample) []Finding {
	t.Helper()
	args := []string{"eval", "--format", "raw", "--data", ".", "--data", "../policies.rego", "--input", opaInput(t, example.paths)}
	if example.exceptions != "" {
		args = append(args, "--data", example.exceptions)
	}
	const query = "data.policies.deny | data.policies.warn | {one.finding | some one in data.policies.excepted}"
	var findings []Finding
	if err := json.Unmarshal(output(t, opa, append(args, query)...), &findings); err != nil {
		t.Fatal(err)
	}
	return findings
}

// opaInput is one file as it is, and several in an array.
func opaInput(t *testing.T, paths []string) string {
	t.Helper()
	if len(paths) == 1 {
		return paths[0]
	}
	var files []File
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Path: path, Contents: text})
	}
	text, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "input.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func askConftest(t *testing.T, conftest string, example ruleExample) []Finding {
	t.Helper()
	args := []string{"test", "--output", "json", "--namespace", "policies", "--policy", "../policies.rego", "--policy", ".", "--data", "."}
	if example.exceptions != "" {
		args = append(args, "--data", example.exceptions)
	}
	if len(example.paths) > 1 {
		args = append(args, "--combine")
	}
	type result struct{ Metadata Finding }
	var results []struct{ Failures, Warnings []result }
	if err := json.Unmarshal(output(t, conftest, append(args, example.paths...)...), &results); err != nil {
		t.Fatal(err)
	}
	var findings []Finding
	for _, tested := range results {
		for _, found := range slices.Concat(tested.Failures, tested.Warnings) {
			findings = append(findings, found.Metadata)
		}
	}
	return findings
}
