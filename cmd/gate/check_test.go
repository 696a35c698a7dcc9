package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cross-account-s3/policy"
	"cross-account-s3/report"
)

// stackFile writes a preview with one policy of a role, and returns its path.
func stackFile(t *testing.T, statement string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"config": map[string]string{"aws:allowedAccountIds": `["123456789012"]`},
		"steps": []any{map[string]any{"op": "create", "newState": map[string]any{
			"urn": "urn:pulumi:account-a::p::aws:iam/rolePolicy:RolePolicy::role", "type": "aws:iam/rolePolicy:RolePolicy",
			"inputs": map[string]any{"role": "R", "name": "p", "policy": `{"Version":"2012-10-17","Statement":` + statement + `}`},
		}}},
		"changeSummary": map[string]int{"create": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "preview.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	good := stackFile(t, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`)
	bad := stackFile(t, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	medium := stackFile(t, `{"Effect":"Allow","Action":"s3:GetObject*","Resource":"arn:aws:s3:::b/*"}`)
	missing := filepath.Join(t.TempDir(), "missing.json")
	for _, c := range []struct {
		name   string
		args   []string
		stdin  string
		code   int
		stdout string
		stderr string
	}{
		{"good", []string{good}, "", exitOK, "passed", ""},
		{"bad", []string{bad}, "", exitDenied, "broad-actions", ""},
		{"good and bad", []string{good, bad}, "", exitFailed, "it shows the stack account-a, as " + good + " does", ""},
		{"medium blocks", []string{medium}, "", exitDenied, "broad-actions", ""},
		{"medium does not block", []string{"--fail-on", "high", medium}, "", exitOK, "broad-actions", ""},
		{"critical still does", []string{"--fail-on", "critical", bad}, "", exitDenied, "broad-actions", ""},
		{"json", []string{"--format", "json", bad}, "", exitDenied, `"rule": "broad-actions"`, ""},
		{"sarif", []string{"--format", "sarif", bad}, "", exitDenied, `"ruleId": "broad-actions"`, ""},
		{"junit", []string{"--format", "junit", bad}, "", exitDenied, "<testsuites", ""},
		{"github", []string{"--format", "github", bad}, "", exitDenied, "::error", ""},
		{"markdown", []string{"--format", "markdown", bad}, "", exitDenied, "broad-actions", ""},
		{"nothing to judge", []string{"-"}, `{"steps":[]}`, exitDenied, "nothing-judged", ""},
		{"nothing to judge, if only the worst blocks", []string{"--fail-on", "critical", "-"}, `{"steps":[]}`, exitDenied, "nothing-judged", ""},
		{"no file", nil, "", exitFailed, "", "there is no file to judge"},
		{"a file that is missing", []string{missing}, "", exitFailed, "missing.json", ""},
		{"a directory", []string{t.TempDir()}, "", exitFailed, "directory", ""},
		{"no JSON", []string{"-"}, "steps", exitFailed, "standard input: it is not JSON", ""},
		{"good and no JSON", []string{good, "-"}, "", exitFailed, "standard input: it is empty", ""},
		{"no such format", []string{"--format", "xml", good}, "", exitFailed, "", "text, json, sarif, junit, github, markdown"},
		{"no such format for a file", []string{"--format", "xml=" + missing, good}, "", exitFailed, "", `no format "xml"`},
		{"no file for a format", []string{"--format", "sarif=", good}, "", exitFailed, "", "--format sarif= names no file"},
		{"two formats for standard output", []string{"--format", "json", "--format", "text", good}, "", exitFailed, "", "--format text=FILE"},
		{"a file that cannot be written", []string{"--format", "json=" + t.TempDir(), good}, "", exitFailed, "", "is a directory"},
		{"no such severity", []string{"--fail-on", "worst", good}, "", exitFailed, "", "critical, high, medium, low"},
		{"no such flag", []string{"--loud", good}, "", exitFailed, "", "gate help check"},
	} {
		var stdout, stderr bytes.Buffer
		command := Command{Stdin: strings.NewReader(c.stdin), Stdout: &stdout, Stderr: &stderr}
		if code := command.Main(append([]string{"check"}, c.args...)); code != c.code || !strings.Contains(stdout.String(), c.stdout) ||
			!strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s: %d, want %d\n%s\n%s", c.name, code, c.code, stdout.String(), stderr.String())
		}
	}
}

// One run judges once, and writes the same verdict wherever it is asked to.
func TestCheckWritesSeveralFormats(t *testing.T) {
	bad := stackFile(t, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	for name, test := range map[string]struct {
		shown []string // the flags for standard output
		want  string
	}{
		"text is shown where nothing else is":  {nil, "refused: 1 blocking finding"},
		"what is asked for without a file too": {[]string{"--format", "github"}, "::error"},
	} {
		t.Run(name, func(t *testing.T) {
			sarif, markdown := filepath.Join(t.TempDir(), "gate.sarif"), filepath.Join(t.TempDir(), "gate.md")
			args := slices.Concat([]string{"check", "--format", "sarif=" + sarif}, test.shown, []string{"--format", "markdown=" + markdown, bad})
			code, stdout, stderr := gate(t, "", args...)
			if code != exitDenied || !strings.Contains(stdout, test.want) || stderr != "" {
				t.Errorf("%d\n%s\n%s", code, stdout, stderr)
			}
			for path, want := range map[string]string{sarif: `"ruleId": "broad-actions"`, markdown: "broad-actions"} {
				text, err := os.ReadFile(path)
				if err != nil || !strings.Contains(string(text), want) {
					t.Errorf("%s: %v\n%s", path, err, text)
				}
			}
		})
	}
}

// checked is the exit code of a check, and all that it wrote.
func checked(args ...string) (int, string) {
	var output bytes.Buffer
	command := Command{Stdin: strings.NewReader(""), Stdout: &output, Stderr: &output}
	return command.Main(append([]string{"check"}, args...)), output.String()
}

// exceptionsFile writes exceptions and returns the path.
func exceptionsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exceptions.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckExceptions(t *testing.T) {
	reviewed := stackFile(t, `{"Effect":"Allow","Action":"s3:GetObject*","Resource":"arn:aws:s3:::b/*"}`)
	_, text := checked("--format", "json", reviewed)
	var found struct{ Findings []policy.Finding }
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found.Findings) != 1 {
		t.Fatalf("%v %s", err, text)
	}
	finding := found.Findings[0]
	exception := fmt.Sprintf("exceptions:\n  - rule: %s\n    resource: %s\n    fingerprint: %s\n    owner: storage team\n"+
		"    reason: An old client, until it is replaced\n    expires: 9999-12-31\n", finding.Rule, finding.URN, finding.Fingerprint)

	for _, c := range []struct {
		name, statement, exceptions string
		code                        int
		want                        string
	}{
		{"covered", "", exception, exitOK, "1 exception"},
		{
			"in other words", `[{"Sid":"Read","Effect":"Allow","Action":["S3:getobject*"],"Resource":["arn:aws:s3:::b/*"],"Condition":{}}]`,
			exception, exitOK, "1 exception",
		},
		{
			"wider", `{"Effect":"Allow","Action":["s3:GetObject*","s3:ListBucket"],"Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b"]}`,
			exception, exitDenied, "covers something else than what is found now",
		},
		{"mended", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`, exception, exitOK, "covers nothing that is found any more"},
		{"expired", "", strings.Replace(exception, "9999", "2020", 1), exitDenied, "expired on 2020-12-31"},
		{"no reason", "", strings.Replace(exception, "An old client, until it is replaced", "", 1), exitDenied, "counted from 0, has no reason"},
		{"another rule", "", strings.Replace(exception, finding.Rule, "control-actions", 1), exitDenied, finding.Rule},
		{"another resource", "", strings.Replace(exception, "::role", "::roles", 1), exitDenied, finding.Rule},
		{"a date that is none", "", strings.Replace(exception, "9999-12-31", "soon", 1), exitDenied, "expires on soon"},
		{"no list", "", "exceptions: none", exitFailed, "exceptions.yaml: line 1: the exceptions are not a list"},
		{"none", "", "exceptions: []", exitDenied, finding.Rule},
	} {
		file := reviewed
		if c.statement != "" {
			file = stackFile(t, c.statement)
		}
		code, text := checked("--exceptions", exceptionsFile(t, c.exceptions), file)
		if code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d, want %d and %q\n%s", c.name, code, c.code, c.want, text)
		}
	}

	path := exceptionsFile(t, exception)
	for _, format := range report.Formats() {
		code, text := checked("--exceptions", path, "--format", string(format), reviewed)
		for _, want := range []string{"storage team", "An old client, until it is replaced", "9999-12-31"} {
			if code != exitOK || !strings.Contains(text, want) {
				t.Errorf("%s: %d, want %q\n%s", format, code, want, text)
			}
		}
	}
	if code, text := checked("--exceptions", path+".missing", reviewed); code != exitFailed || !strings.Contains(text, "exceptions.yaml.missing") {
		t.Errorf("a missing file: %d\n%s", code, text)
	}
	t.Chdir(filepath.Dir(path))
	if code, text := checked(reviewed); code != exitOK {
		t.Errorf("the project's exceptions: %d\n%s", code, text)
	}
}

func TestRules(t *testing.T) {
	var stdout, stderr bytes.Buffer
	command := Command{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr}
	if code := command.Main([]string{"rules"}); code != exitOK || !strings.Contains(stdout.String(), "## secure-transport") {
		t.Errorf("%d\n%s\n%s", code, stdout.String(), stderr.String())
	}
}
