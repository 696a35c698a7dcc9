package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the outputs on docs/troubleshooting.md anew")

// worked is a command on the page with the output below it.
var worked = regexp.MustCompile("(?m)^```\ngo run \\./cmd/gate ((?:.*\n)*?)```\n\n```text\n((?:.*\n)*?)```$")

// Every output on docs/troubleshooting.md is that of the command above it.
func TestTroubleshooting(t *testing.T) {
	t.Chdir("../..") // The commands on the page are for the project's directory.
	const path = "docs/troubleshooting.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{"ALLOWED": exitOK, "DENIED": exitDenied, "UNDETERMINED:": exitFailed}
	seen := map[string]int{}
	fresh := worked.ReplaceAllFunc(page, func(block []byte) []byte {
		match := worked.FindSubmatch(block)
		command := string(match[1])
		code, stdout, stderr := gate(t, "", strings.Fields(strings.ReplaceAll(command, "\\\n", ""))...)
		verdict, _, _ := strings.Cut(stdout, " ")
		seen[verdict]++
		if want, known := codes[verdict]; !known || code != want || stderr != "" {
			t.Errorf("%s: exit code %d, %q\n%s", command, code, verdict, stderr)
		}
		if stdout != string(match[2]) && !*update {
			t.Errorf("the page has a stale output (-update writes it anew) of %s\n%s", command, stdout)
		}
		return []byte("```\ngo run ./cmd/gate " + command + "```\n\n```text\n" + stdout + "```")
	})
	if outputs := strings.Count(string(page), "```text"); outputs != seen["ALLOWED"]+seen["DENIED"]+seen["UNDETERMINED:"] || len(seen) != len(codes) {
		t.Errorf("the page has %d outputs; of commands there are %v", outputs, seen)
	}
	if *update {
		if err := os.WriteFile(path, fresh, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// stacks asks about an object, with files of examples/troubleshooting.
func stacks(names ...string) []string {
	args := []string{
		"explain", "--principal", roleSession, "--action", "s3:GetObject", "--resource", "arn:aws:s3:::my-cross-account-bucket/in/k",
		"--context", "aws:SecureTransport=true",
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "-") && !strings.ContainsAny(name, "/=") {
			name = "../../examples/troubleshooting/" + name + ".json"
		}
		args = append(args, name)
	}
	return args
}

func TestExplainStacks(t *testing.T) {
	const logs = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
	logPolicy := write(t, "logs.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}}`)
	role, err := os.ReadFile("../../examples/troubleshooting/account-a.json")
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile("../../examples/troubleshooting/public.json")
	if err != nil {
		t.Fatal(err)
	}
	malformed := write(t, "malformed.json", strings.Replace(string(good), `\"Effect\":\"Allow\"`, `\"Effect\":\"Permit\"`, 1))
	failed := write(t, "failed.json", `{"steps":[],"diagnostics":[{"severity":"error","message":"no"}]}`)
	broken := write(t, "broken.json", `{"steps":[`)
	for name, test := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string // a part of each
	}{
		"standard input":      {stacks("-", "account-b"), exitOK, "ALLOWED by", ""},
		"half of the system":  {stacks("account-b"), exitFailed, "no role CrossAccountS3Role in account 123456789012 (they have: none)", ""},
		"only the other half": {stacks("account-a"), exitFailed, "", "nothing tells which account owns arn:aws:s3:::my-cross-account-bucket/in/k; add --resource-account"},
		"the other half, and the account that is missing": {
			stacks("--resource-account=987654321098", "account-a"), exitFailed, "no bucket my-cross-account-bucket (they have: none)", ""},
		"a managed policy that is given": {stacks("--identity="+logs+"="+logPolicy, "managed-policy", "account-b"), exitOK, "ALLOWED by", ""},
		"a question besides, as JSON":    {stacks("--format=json", "account-a", "key"), exitDenied, `"about": "kms:Decrypt on the key that encrypts the object`, ""},
		"the decision of all, as JSON":   {stacks("--format=json", "account-a", "key"), exitDenied, "{\n  \"decision\": \"ImplicitlyDenied\"", ""},
		"notes, as JSON":                 {stacks("--format=json", "account-a", "key"), exitDenied, `"notes": [`, ""},
		"a stack twice":                  {stacks("account-a", "account-b", "missing-half"), exitFailed, "", "these files have 2 policies for arn:aws:s3:::my-cross-account-bucket/in/k"},
		"a preview that failed":          {stacks("account-a", failed), exitFailed, "", failed + ": The preview failed"},
		"a file that is not whole":       {stacks("account-a", broken), exitFailed, "", broken + ": it ends in the middle"},
		"a policy that is none":          {stacks("account-a", malformed), exitFailed, "", `resource policy, statement 0 (Sid "Everybody"), Effect: "Permit" is neither`},
		"a file that is missing":         {stacks("nothing"), exitFailed, "", "nothing.json"},
		"a document instead of a stack":  {stacks(logPolicy), exitFailed, "", "it is neither a preview"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := gate(t, string(role), test.args...)
			if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, want %d\nstdout: %s\nwant:   %s\nstderr: %s\nwant:   %s", code, test.code, stdout, test.stdout, stderr, test.stderr)
			}
		})
	}
}
