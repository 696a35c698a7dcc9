package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"cross-account-s3/policy"
	"cross-account-s3/report"
)

const (
	mandatory = pulumirpc.EnforcementLevel_MANDATORY
	advisory  = pulumirpc.EnforcementLevel_ADVISORY
	disabled  = pulumirpc.EnforcementLevel_DISABLED
)

// written is what the tests read of a preview or an exported state.
type written struct {
	Config map[string]string
	Steps  []struct {
		Op       string
		NewState *state
	}
	Deployment struct{ Resources []state }
}

type state struct {
	URN, Type, Provider  string
	Delete               bool
	Inputs, Outputs      map[string]any
	PropertyDependencies map[string][]string
}

func (w written) states() []state {
	states := slices.DeleteFunc(w.Deployment.Resources, func(one state) bool { return one.Delete })
	for _, step := range w.Steps {
		if step.NewState != nil && step.Op != "delete" {
			states = append(states, *step.NewState)
		}
	}
	return states
}

// deploy shows a pack what an engine would, and returns what the pack says of each resource, and of all of them.
func (w written) deploy(t *testing.T, p *pack, preview bool) (ofResources, ofStack []*pulumirpc.AnalyzeDiagnostic) {
	t.Helper()
	states := w.states()
	if _, err := p.ConfigureStack(t.Context(), &pulumirpc.AnalyzerStackConfigureRequest{DryRun: preview, Config: w.Config}); err != nil {
		t.Fatal(err)
	}
	var all pulumirpc.AnalyzeStackRequest
	for _, one := range states {
		request := &pulumirpc.AnalyzeRequest{Urn: one.URN, Type: one.Type, Properties: properties(t, one.Inputs)}
		for _, provider := range states {
			if one.Provider != "" && strings.HasPrefix(one.Provider, provider.URN+"::") {
				request.Provider = &pulumirpc.AnalyzerProviderResource{
					Urn: provider.URN, Type: provider.Type, Properties: properties(t, provider.Inputs),
				}
			}
		}
		response, err := p.Analyze(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		ofResources = append(ofResources, response.GetDiagnostics()...)
		dependencies := map[string]*pulumirpc.AnalyzerPropertyDependencies{}
		for input, urns := range one.PropertyDependencies {
			dependencies[input] = &pulumirpc.AnalyzerPropertyDependencies{Urns: urns}
		}
		all.Resources = append(all.Resources, &pulumirpc.AnalyzerResource{
			Urn: one.URN, Type: one.Type, Properties: properties(t, one.Outputs), PropertyDependencies: dependencies,
		})
	}
	response, err := p.AnalyzeStack(t.Context(), &all)
	if err != nil {
		t.Fatal(err)
	}
	return ofResources, response.GetDiagnostics()
}

func properties(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	properties, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return properties
}

// ruleSet is compiled once.
var ruleSet = sync.OnceValues(func() (*policy.Rules, error) { return policy.NewRules(context.Background()) })

func testPack(t *testing.T) *pack {
	t.Helper()
	rules, err := ruleSet()
	if err != nil {
		t.Fatal(err)
	}
	return newPack(rules)
}

func read(t *testing.T, text []byte) (w written) {
	t.Helper()
	if err := json.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// Of every example of a rule, previewed as well as deployed, the pack says what the gate says of the file, and enforces what blocks.
func TestPackAgreesWithTheGate(t *testing.T) {
	files, err := filepath.Glob("../examples/rules/*/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, path := range files {
		rule := filepath.Base(filepath.Dir(path))
		if rule == "incomplete-preview" {
			continue // The engine shows all.
		}
		t.Run(rule+"/"+filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rules := testPack(t).rules
			if reviewed := strings.TrimSuffix(path, ".json") + ".yaml"; exists(reviewed) {
				exceptions, err := policy.ReadExceptionsFile(reviewed)
				if err != nil {
					t.Fatal(err)
				}
				if rules, err = policy.NewRules(t.Context(), exceptions...); err != nil {
					t.Fatal(err)
				}
			}
			stack, err := policy.ReadStack("", bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			judged, err := rules.Check(t.Context(), stack.File)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{}
			for _, finding := range judged.Findings {
				want[finding.Rule+" "+finding.URN+"\n"+report.Explain(finding)]++
			}
			for _, preview := range []bool{true, false} {
				ofResources, ofStack := read(t, text).deploy(t, newPack(rules), preview)
				got := map[string]int{}
				for _, one := range slices.Concat(ofResources, ofStack) {
					said, isLater := strings.CutSuffix(one.GetMessage(), later)
					got[one.GetPolicyName()+" "+one.GetUrn()+"\n"+said]++
					blocks := !strings.Contains(said, "does not block")
					if isMandatory := one.GetEnforcementLevel() == mandatory; isMandatory != (blocks && !isLater) {
						t.Errorf("preview %t: %s is %s:\n%s", preview, one.GetPolicyName(), one.GetEnforcementLevel(), one.GetMessage())
					}
				}
				for said, count := range want {
					if got[said] != count {
						t.Errorf("preview %t: %d times instead of %d:\n%s", preview, got[said], count, said)
					}
					delete(got, said)
				}
				for said := range got {
					t.Errorf("preview %t: the gate does not say\n%s", preview, said)
				}
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

const bucketPolicy = "urn:pulumi:account-b::p::aws:s3/bucketPolicy:BucketPolicy::bucket"

// withPolicy is a stack of one bucket policy.
func withPolicy(text any) (w written) {
	w.Config = map[string]string{"aws:allowedAccountIds": `["987654321098"]`}
	w.Deployment.Resources = []state{{
		URN: bucketPolicy, Type: "aws:s3/bucketPolicy:BucketPolicy", Inputs: map[string]any{"bucket": "b", "policy": text},
	}}
	return w
}

const everybody = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`

// rulesOf are the rules of what a pack says, each with how it is enforced.
func rulesOf(said []*pulumirpc.AnalyzeDiagnostic) []string {
	rules := []string{}
	for _, one := range said {
		rules = append(rules, one.GetPolicyName()+" "+one.GetEnforcementLevel().String())
	}
	slices.Sort(rules)
	return rules
}

func expect(t *testing.T, when string, said []*pulumirpc.AnalyzeDiagnostic, want ...string) {
	t.Helper()
	if got := rulesOf(said); !slices.Equal(got, want) {
		t.Errorf("%s: the pack says %q, want %q", when, got, want)
	}
}

// At up a policy is refused before it is created, and not once more at the end. A preview is judged as a whole.
func TestUpRefusesBeforeThereIsAnything(t *testing.T) {
	all := []string{"secure-transport MANDATORY", "tls-version MANDATORY", "wildcard-principal MANDATORY"}
	first, last := withPolicy(everybody).deploy(t, testPack(t), true)
	expect(t, "a resource at preview", first)
	expect(t, "the stack at preview", last, all...)
	first, last = withPolicy(everybody).deploy(t, testPack(t), false)
	expect(t, "a resource at up", first, all...)
	expect(t, "the stack at up", last)
}

// What a preview cannot know is told, and refused at up if it is not known then either.
func TestUnknownIsNoPass(t *testing.T) {
	for when, text := range map[string]any{
		"unknown":          plugin.UnknownStringValue,
		"an unknown value": `{"Statement":` + plugin.UnknownStringValue + `}`,
		"an unknown secret": map[string]any{
			resource.SigKey: resource.SecretSig, "value": plugin.UnknownStringValue,
		},
	} {
		first, last := withPolicy(text).deploy(t, testPack(t), true)
		expect(t, when+", a resource at preview", first)
		expect(t, when+", the stack at preview", last, "undetermined ADVISORY")
		if len(last) > 0 && !strings.HasSuffix(last[0].GetMessage(), later) {
			t.Errorf("%s: nothing tells that up judges it:\n%s", when, last[0].GetMessage())
		}
		first, _ = withPolicy(text).deploy(t, testPack(t), false)
		expect(t, when+", at up", first, "undetermined MANDATORY")
	}
}

// A secret policy is not judged, and what it says is not told.
func TestSecretIsNoPass(t *testing.T) {
	secret := withPolicy(map[string]any{resource.SigKey: resource.SecretSig, "value": everybody})
	_, last := secret.deploy(t, testPack(t), true)
	expect(t, "at preview", last, "undetermined MANDATORY")
	first, last := secret.deploy(t, testPack(t), false)
	expect(t, "at up", first, "undetermined MANDATORY")
	for _, one := range append(first, last...) {
		if strings.Contains(one.GetMessage(), "GetObject") {
			t.Errorf("it tells the secret:\n%s", one.GetMessage())
		}
	}
}

// The account comes from the provider where the program makes one, and not from the settings.
func TestAccountOfTheProvider(t *testing.T) {
	own := withPolicy(strings.Replace(everybody, `"*"`, `{"AWS":"arn:aws:iam::111122223333:root"}`, 1))
	const provider = "urn:pulumi:account-b::p::pulumi:providers:aws::other"
	own.Deployment.Resources[0].Provider = provider + "::id"
	own.Deployment.Resources = append([]state{{
		URN: provider, Type: "pulumi:providers:aws", Inputs: map[string]any{"allowedAccountIds": `["111122223333"]`},
	}}, own.Deployment.Resources...)
	first, _ := own.deploy(t, testPack(t), false)
	expect(t, "a grant to the own account at up", first, "secure-transport MANDATORY", "tls-version MANDATORY")
	_, last := own.deploy(t, testPack(t), true)
	expect(t, "at preview", last, "secure-transport MANDATORY", "tls-version MANDATORY")
}

// What cannot be judged fails, instead of passing.
func TestFailures(t *testing.T) {
	for when, one := range map[string]state{
		"aws-native": {URN: "urn:pulumi:account-b::p::aws-native:s3:BucketPolicy::b", Type: "aws-native:s3:BucketPolicy"},
		"no URN":     {URN: "b", Type: "aws:s3/bucketPolicy:BucketPolicy"},
	} {
		request := &pulumirpc.AnalyzeRequest{Urn: one.URN, Type: one.Type}
		if response, err := testPack(t).Analyze(t.Context(), request); err == nil {
			t.Errorf("%s: at up it says %v", when, response)
		}
		p := testPack(t)
		p.preview = true
		if _, err := p.Analyze(t.Context(), request); err != nil {
			t.Errorf("%s: a preview is judged at its end: %v", when, err)
		}
		all := &pulumirpc.AnalyzeStackRequest{Resources: []*pulumirpc.AnalyzerResource{{Urn: one.URN, Type: one.Type}}}
		if response, err := p.AnalyzeStack(t.Context(), all); err == nil {
			t.Errorf("%s: at the end of a preview it says %v", when, response)
		}
	}
}

// What a stack is about to export is not known before its role is there, and not stale.
func TestOutputsThatAreNotKnownYet(t *testing.T) {
	const stack, role = "urn:pulumi:account-a::p::pulumi:pulumi:Stack::p-account-a", "urn:pulumi:account-a::p::aws:iam/role:Role::r"
	var w written
	w.Config = map[string]string{"aws:allowedAccountIds": `["123456789012"]`}
	w.Deployment.Resources = []state{
		{URN: stack, Type: "pulumi:pulumi:Stack", Outputs: map[string]any{"roleArn": plugin.UnknownStringValue}},
		{URN: role, Type: "aws:iam/role:Role", Inputs: map[string]any{
			"name":             "R",
			"assumeRolePolicy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`,
		}},
	}
	_, last := w.deploy(t, testPack(t), true)
	expect(t, "at preview", last)
	w.Deployment.Resources[0].Outputs["roleArn"] = "arn:aws:iam::123456789012:role/Q"
	_, last = w.deploy(t, testPack(t), true)
	expect(t, "another role, at preview", last, "stale-output MANDATORY")
}

func TestReading(t *testing.T) {
	for _, test := range []struct {
		given   any
		want    string
		unknown bool
	}{
		{map[string]any{"a": []any{"b", 1.0, true, nil}}, `{"a":["b",1,true,null]}`, false},
		{map[string]any{resource.SigKey: resource.AssetSig, "text": "a file"}, `null`, false},
		{map[string]any{"code": map[string]any{resource.SigKey: resource.ArchiveSig, "hash": "0"}}, `{"code":null}`, false},
		{[]any{map[string]any{resource.SigKey: resource.SecretSig, "value": "hidden"}}, `[{"` + resource.SigKey + `":"` + resource.SecretSig + `"}]`, false},
		{[]any{plugin.UnknownArrayValue}, `["` + plugin.UnknownArrayValue + `"]`, true},
	} {
		value, err := structpb.NewValue(test.given)
		if err != nil {
			t.Fatal(err)
		}
		var r reading
		got, err := json.Marshal(r.value(value))
		if err != nil || string(got) != test.want || r.unknown != test.unknown {
			t.Errorf("%v is read as %s, unknown %t, %v; want %s, %t", test.given, got, r.unknown, err, test.want, test.unknown)
		}
	}
}

// A program that deploys nothing to AWS is judged by mistake.
func TestOtherCloud(t *testing.T) {
	p := testPack(t)
	const urn, kind = "urn:pulumi:s::p::azure:network/zone:Zone::z", "azure:network/zone:Zone"
	if _, err := p.Analyze(t.Context(), &pulumirpc.AnalyzeRequest{Urn: urn, Type: kind}); err != nil {
		t.Fatal(err)
	}
	all := &pulumirpc.AnalyzeStackRequest{Resources: []*pulumirpc.AnalyzerResource{{Urn: urn, Type: kind}}}
	if response, err := p.AnalyzeStack(t.Context(), all); err == nil || !strings.Contains(err.Error(), "no resource of AWS") {
		t.Errorf("%v, %v", response, err)
	}
}

// What the program only reads is not what it deploys: the engine does not show it before the end.
func TestWhatIsOnlyRead(t *testing.T) {
	p := testPack(t)
	response, err := p.AnalyzeStack(t.Context(), &pulumirpc.AnalyzeStackRequest{Resources: []*pulumirpc.AnalyzerResource{{
		Urn: bucketPolicy, Type: "aws:s3/bucketPolicy:BucketPolicy", Properties: properties(t, map[string]any{"policy": everybody}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "at the end", response.GetDiagnostics(), "nothing-judged MANDATORY")
}

// Settings weaken rules, and make nothing mandatory that does not block.
func TestLevels(t *testing.T) {
	misspelt := strings.Replace(everybody, "s3:GetObject", "s3:GetObjekt", 1)
	for _, test := range []struct {
		set       pulumirpc.EnforcementLevel
		rule, say string
	}{
		{mandatory, "wildcard-principal", "wildcard-principal MANDATORY"},
		{pulumirpc.EnforcementLevel_REMEDIATE, "wildcard-principal", "wildcard-principal MANDATORY"},
		{advisory, "wildcard-principal", "wildcard-principal ADVISORY"},
		{disabled, "wildcard-principal", ""},
		{mandatory, "unknown-action", "unknown-action ADVISORY"},
		{disabled, "unknown-action", ""},
	} {
		p := testPack(t)
		set := map[string]*pulumirpc.PolicyConfig{test.rule: {EnforcementLevel: test.set}}
		if _, err := p.Configure(t.Context(), &pulumirpc.ConfigureAnalyzerRequest{PolicyConfig: set}); err != nil {
			t.Fatal(err)
		}
		text := everybody
		if test.rule == "unknown-action" {
			text = misspelt
		}
		_, said := withPolicy(text).deploy(t, p, true)
		got := slices.DeleteFunc(rulesOf(said), func(one string) bool { return !strings.HasPrefix(one, test.rule+" ") })
		if strings.Join(got, ",") != test.say {
			t.Errorf("%s set to %s: the pack says %q, want %q", test.rule, test.set, got, test.say)
		}
	}
}

func TestSettingsThatAreRead(t *testing.T) {
	p := testPack(t)
	if _, err := p.ConfigureStack(t.Context(), &pulumirpc.AnalyzerStackConfigureRequest{
		Config:           map[string]string{"aws:region": "us-east-1", "aws:secretKey": "hidden", "p:other": "x"},
		ConfigSecretKeys: []string{"aws:secretKey"},
	}); err != nil {
		t.Fatal(err)
	}
	if len(p.config) != 1 || p.config["aws:region"] != "us-east-1" {
		t.Errorf("it keeps %v", p.config)
	}
}

// Pulumi lists each rule as a policy of its own.
func TestPolicies(t *testing.T) {
	info, err := testPack(t).GetAnalyzerInfo(t.Context(), &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	level := map[string]pulumirpc.EnforcementLevel{}
	for _, one := range info.GetPolicies() {
		level[one.GetName()] = one.GetEnforcementLevel()
		if one.GetDisplayName() == "" || one.GetDescription() == "" || one.GetRemediationSteps() == "" || !strings.HasPrefix(one.GetUrl(), "https://") {
			t.Errorf("%v says too little", one)
		}
	}
	if len(level) != len(testPack(t).rules.List()) || level["secure-transport"] != mandatory || level["unknown-action"] != advisory {
		t.Errorf("it lists %v", level)
	}
}

// A pack that cannot be prepared does not tell the engine where to connect.
func TestServeFails(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("exceptions.yaml", []byte("exceptions: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := serve(t.Context(), &out); err == nil || !strings.Contains(err.Error(), "exceptions.yaml: line 1") || out.Len() > 0 {
		t.Errorf("%v, and it says %q", err, &out)
	}
}
