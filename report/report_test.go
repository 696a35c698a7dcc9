package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"cross-account-s3/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	bucketURN = "urn:pulumi:account-b::cross-account-s3::xa:SharedBucket$aws:s3/bucketPolicy:BucketPolicy::shared"
	roleURN   = "urn:pulumi:account-a::cross-account-s3::aws:iam/role:Role::compute"
	// hostile is what a name must not do: colour, turn, break lines, command a build log, and leave a table, a tag, a string, a link.
	hostile = "\x1b[31mred\r\n::error::pwned ::warning file=x::y ##[error]z ##vso[task.setvariable]v \u202e\u2028\u00a0\x00\xff" +
		" a|b \\|c `d` ```e``` ]]> <script>alert(1)</script> [f](https://example.com) www.example.com @octocat #1 %0A 100% \"q\" 'q' &amp; \t-->"
)

var sources = []Source{
	{Path: "previews/a.json", Stack: "account-a", Kind: "preview", Resources: 21, Policies: 5},
	{Path: "b.json", Stack: "account-b", Kind: "state", Resources: 1, Policies: 1},
}

var rules = []Rule{
	{
		ID: "wildcard-principal", Title: "Wildcard principals", Category: "principal", Rationale: "A policy without names\nlets in  whoever comes.\n",
		Remediation: "Name the roles.", Docs: "docs/rules.md#wildcard-principal",
	},
	{
		ID: "secure-transport", Title: "Secure transport", Category: "transport", Rationale: "Plain http can be read on its way.",
		Remediation: "Deny it.", Docs: "https://example.com/rules#secure-transport", Severity: policy.High,
	},
	{ID: "tls-floor", Title: "Old TLS", Category: "transport", Severity: policy.Medium},
}

// finding is a finding of each severity.
var finding = map[policy.Severity]policy.Finding{
	policy.Critical: {
		Rule: "wildcard-principal", Category: "principal", Severity: policy.Critical, Blocking: true, Stack: "account-b", URN: bucketURN,
		Statement: &policy.FindingStatement{Index: 1, Sid: "Read"}, Message: "The statement lets a stranger in",
		Witness: &policy.Witness{
			Principal: "arn:aws:iam::111122223333:role/Stranger", Action: "s3:GetObject", Resource: "arn:aws:s3:::shared-987654321098/data/report.csv",
			Context: map[string]any{"aws:SecureTransport": "true", "aws:CalledVia": []any{"athena.amazonaws.com", "s3.amazonaws.com"}},
		},
		Remediation: "Name the roles that need access by their ARNs.", Docs: "docs/rules.md#wildcard-principal",
	},
	policy.High: {
		Rule: "secure-transport", Category: "transport", Severity: policy.High, Blocking: true, Stack: "account-b", URN: bucketURN,
		Message: "Not every request over plain http is denied: s3:GetObject is not",
		Witness: &policy.Witness{
			Principal: "anonymous", Action: "s3:GetObject", Resource: "arn:aws:s3:::shared-987654321098/data/report.csv",
			Context: map[string]any{"aws:SecureTransport": "false"},
		},
		Remediation: "Deny s3:* with aws:SecureTransport=false.", Docs: "docs/rules.md#secure-transport",
		Fingerprint: "sha256:7220157ff984df7bc7ed69a1e41b624a",
	},
	policy.Medium: {
		Rule: "one-sided-grant", Category: "agreement", Severity: policy.Medium, Blocking: true,
		Message: "The role may s3:PutObject by its own policies, but the bucket policy does not let it",
		Witness: &policy.Witness{
			Principal: "arn:aws:iam::123456789012:role/Compute", Action: "s3:PutObject", Resource: "arn:aws:s3:::shared-987654321098/x",
		},
		Remediation: "Let both halves allow the same.", Docs: "docs/rules.md#one-sided-grant",
	},
	policy.Low: {
		Rule: "unknown-action", Category: "action", Severity: policy.Low, Stack: "account-a", URN: roleURN,
		Statement: &policy.FindingStatement{Index: 0}, Message: "s3:GetObjcet is no action",
	},
}

// reports has a report of every kind that well-meaning people come to see.
func reports() map[string]Report {
	var worstFirst []policy.Finding
	for _, severity := range policy.Severities {
		worstFirst = append(worstFirst, finding[severity])
	}
	return map[string]Report{
		"nothing":    {Sources: sources, FailOn: policy.Medium},
		"severities": {Findings: worstFirst, Sources: sources, FailOn: policy.Medium},
		"exception": {
			Findings: []policy.Finding{finding[policy.Low]}, Sources: sources,
			Excepted: []policy.Excepted{{Finding: finding[policy.High], Owner: "storage team", Reason: "An old client, until it is replaced.", Expires: "2027-03-31"}},
		},
		"failure": {Findings: []policy.Finding{finding[policy.Critical]}, Failures: []string{"c.json: it ends in the middle, at byte 17", "d.json: it is empty"}},
	}
}

// hostileReport has the hostile text wherever a report has any.
func hostileReport() Report {
	f := policy.Finding{
		Rule: hostile, Category: hostile, Severity: policy.High, Blocking: true, Stack: hostile,
		URN:       "urn:pulumi:" + hostile + "::project::aws:s3/bucketPolicy:" + strings.ReplaceAll(hostile, "::", ":") + "::" + hostile,
		Statement: &policy.FindingStatement{Sid: hostile}, Message: hostile, Remediation: hostile, Docs: hostile, Fingerprint: hostile,
		Witness: &policy.Witness{Principal: hostile, Action: hostile, Resource: hostile, Context: map[string]any{hostile: []any{hostile}}},
	}
	return Report{
		Findings: []policy.Finding{f}, Excepted: []policy.Excepted{{Finding: f, Owner: hostile, Reason: hostile, Expires: hostile}},
		Sources: []Source{{Path: hostile, Stack: hostile, Kind: hostile}}, Failures: []string{hostile}, FailOn: policy.Severity(hostile),
	}
}

func write(t *testing.T, format Format, r Report, options Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, options); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestGolden holds every format to testdata/FORMAT.golden, an archive of every report; -update writes them.
func TestGolden(t *testing.T) {
	var names []string
	for name := range reports() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, format := range Formats() {
		t.Run(string(format), func(t *testing.T) {
			path := filepath.Join("testdata", string(format)+".golden")
			var got txtar.Archive
			for _, name := range names {
				text := write(t, format, reports()[name], Options{Rules: rules})
				if again := write(t, format, reports()[name], Options{Rules: rules}); again != text {
					t.Errorf("%s: written again it is\n%s\nafter\n%s", name, again, text)
				}
				if !strings.HasSuffix(text, "\n") {
					t.Errorf("%s: it does not end with a line break:\n%s", name, text)
				}
				got.Files = append(got.Files, txtar.File{Name: name, Data: []byte(text)})
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(&got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(want.Files) != len(got.Files) {
				t.Fatalf("%s has %d reports, want %d; run the test with -update", path, len(want.Files), len(got.Files))
			}
			for i, file := range got.Files {
				if want.Files[i].Name != file.Name || !bytes.Equal(want.Files[i].Data, file.Data) {
					t.Errorf("%s is not what %s has as %s (-update writes it anew):\n%s", file.Name, path, want.Files[i].Name, file.Data)
				}
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	blocks, passes := finding[policy.Critical], finding[policy.Low]
	for name, test := range map[string]struct {
		report   Report
		verdict  Verdict
		headline string
	}{
		"nothing":              {Report{Sources: sources}, Pass, "passed: 6 policies in 2 stacks"},
		"one policy":           {Report{Sources: sources[1:]}, Pass, "passed: 1 policy in 1 stack"},
		"a stack in two files": {Report{Sources: []Source{sources[1], sources[1]}}, Pass, "passed: 2 policies in 1 stack"},
		"one that does not block": {
			Report{Sources: sources, Findings: []policy.Finding{passes}}, Pass, "passed: 6 policies in 2 stacks, 1 finding that does not block",
		},
		"an exception":     {Report{Sources: sources, Excepted: []policy.Excepted{{Finding: blocks}}}, Pass, "passed: 6 policies in 2 stacks, 1 exception"},
		"one of two":       {Report{Findings: []policy.Finding{blocks, passes}}, Fail, "refused: 1 blocking finding"},
		"two":              {Report{Findings: []policy.Finding{blocks, blocks}}, Fail, "refused: 2 blocking findings"},
		"a failure":        {Report{Sources: sources, Failures: []string{"x"}}, Error, "could not judge: 1 failure"},
		"a failure, a low": {Report{Failures: []string{"x"}, Findings: []policy.Finding{passes}}, Error, "could not judge: 1 failure"},
		"a failure besides": {
			Report{Failures: []string{"x", "y"}, Findings: []policy.Finding{blocks}}, Error, "could not judge: 2 failures, and 1 blocking finding",
		},
		"the severity alone decides nothing": {
			Report{FailOn: policy.Low, Findings: []policy.Finding{passes}}, Pass, "passed: 0 policies in 0 stacks, 1 finding that does not block",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if verdict, headline := test.report.Verdict(), test.report.headline(); verdict != test.verdict || headline != test.headline {
				t.Errorf("verdict %s, %q; want %s, %q", verdict, headline, test.verdict, test.headline)
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriteErrors(t *testing.T) {
	if err := Write(&bytes.Buffer{}, "xml", Report{}, Options{}); err == nil || !strings.Contains(err.Error(), `no format "xml", expected one of ["text" "json"`) {
		t.Errorf("an unknown format: %v", err)
	}
	for _, format := range Formats() {
		if err := Write(full{}, format, Report{}, Options{}); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s to a full disk: %v", format, err)
		}
	}
}

func TestResource(t *testing.T) {
	for _, test := range []struct{ urn, stack, want string }{
		{bucketURN, "account-b", "shared (BucketPolicy, account-b)"},
		{roleURN, "account-a", "compute (Role, account-a)"},
		{"urn:pulumi:s::p::component$Sub::n", "s", "n (Sub, s)"},
		{"urn:pulumi:s::p::aws:sqs/queue:Queue::a::b", "s", "a::b (Queue, s)"},
		{"no URN", "s", "no URN"},
		{"", "s", "s"},
		{"", "", "all stacks"},
	} {
		if got := resource(policy.Finding{URN: test.urn, Stack: test.stack}); got != test.want {
			t.Errorf("%q is %q, want %q", test.urn, got, test.want)
		}
	}
}

func TestLocation(t *testing.T) {
	for stack, want := range map[string]string{
		"account-b": "Pulumi.account-b.yaml", "": "Pulumi.yaml", "../../etc/passwd": "Pulumi.yaml", "a b": "Pulumi.yaml", "a\n": "Pulumi.yaml",
	} {
		if got := (Options{}).location(stack); got != want {
			t.Errorf("%q is at %q, want %q", stack, got, want)
		}
	}
	if got := (Options{Location: func(stack string) string { return "stacks/" + stack }}).location("a"); got != "stacks/a" {
		t.Errorf("a location of one's own: %q", got)
	}
}
