package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// gate runs the program within the test.
func gate(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	command := Command{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs}
	code = command.Main(args)
	if strings.Contains(errs.String(), "goroutine ") || strings.Contains(out.String(), "goroutine ") {
		t.Errorf("gate %s printed a stack trace:\n%s%s", strings.Join(args, " "), &out, &errs)
	}
	return code, out.String(), errs.String()
}

// write puts a file into the test's own directory and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsage(t *testing.T) {
	for name, test := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"nothing":                      {nil, 2, "", "Usage: gate COMMAND"},
		"help":                         {[]string{"help"}, 0, "Usage: gate COMMAND", ""},
		"--help":                       {[]string{"--help"}, 0, "simulate", ""},
		"help of a command":            {[]string{"help", "simulate"}, 0, "Usage: gate simulate", ""},
		"a command's --help":           {[]string{"explain", "--help"}, 0, "--resource-account ID", ""},
		"help of an unknown command":   {[]string{"help", "dance"}, 2, "", `there is no command "dance"`},
		"an unknown command":           {[]string{"dance"}, 2, "", `there is no command "dance"`},
		"an unknown flag":              {[]string{"simulate", "--fast"}, 2, "", "-fast; `gate help simulate` lists the flags"},
		"an unexpected argument":       {[]string{"simulate", "cases"}, 2, "", `unexpected argument "cases"`},
		"no principal":                 {[]string{"explain", "--action", "s3:GetObject"}, 2, "", "--principal is missing"},
		"a flag given twice":           {[]string{"explain", "--action", "s3:GetObject", "--action", "s3:PutObject"}, 2, "", `given twice, first as "s3:GetObject"`},
		"an unknown format":            {[]string{"explain", "--format", "xml"}, 2, "", `--format is "xml", expected text or json`},
		"a context without a value":    {ask("--context", "aws:SecureTransport"), 2, "", `--context is "aws:SecureTransport", expected KEY=VALUE`},
		"a principal of no known form": {[]string{"explain", "--principal", "Alice", "--action", "s3:GetObject", "--resource", "*", "--resource-account", "987654321098"}, 2, "", `request.principal: "Alice" is no principal`},
		"no account for a bucket":      {askAbout("arn:aws:s3:::b"), 2, "", "does not tell which account owns the resource; add --resource-account"},
		"a file that is not there":     {ask("--identity", filepath.Join("nowhere", "p.json")), 2, "", "identity policy: open " + filepath.Join("nowhere", "p.json")},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := gate(t, "", test.args...)
			if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, want %d\nstdout: %s\nwant:   %s\nstderr: %s\nwant:   %s", code, test.code, stdout, test.stdout, stderr, test.stderr)
			}
			if test.code != 0 && stdout != "" {
				t.Errorf("a failure wrote to stdout: %s", stdout)
			}
		})
	}
}

const roleSession = "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/CrossAccountS3Access"

// askAbout is `gate explain` for a role session that reads the resource.
func askAbout(arn string, more ...string) []string {
	return append([]string{"explain", "--action", "s3:GetObject", "--resource", arn, "--principal", roleSession}, more...)
}

func ask(more ...string) []string {
	return askAbout("arn:aws:s3:::my-cross-account-bucket/in/k", append([]string{"--resource-account", "987654321098"}, more...)...)
}

const identity = `{"Version":"2012-10-17","Statement":[{"Sid":"Objects","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::my-cross-account-bucket/*"}]}`

func bucketPolicy(role string) string {
	return `{"Version":"2012-10-17","Statement":[
	{"Sid":"Read","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/` + role + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::my-cross-account-bucket/*"},
	{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
}

func TestExplain(t *testing.T) {
	const everything = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	type explanation struct {
		flags  map[string]string // flag to the text of its file; "--context" takes its value as it is
		code   int
		stdout []string
	}
	for name, test := range map[string]explanation{
		"allowed": {
			map[string]string{"--identity": identity, "--resource-policy": bucketPolicy("CrossAccountS3Role")}, 0,
			[]string{"ALLOWED by", `statement 0 (Sid "Objects")`, `statement 0 (Sid "Read")`, "aws:PrincipalArn = arn:aws:iam::123456789012:role/CrossAccountS3Role  (implied)"}},
		"denied by a statement": {
			map[string]string{"--identity": identity, "--resource-policy": bucketPolicy("CrossAccountS3Role"), "--context": "aws:SecureTransport=false"}, 1,
			[]string{"DENIED (explicit) by", `statement 1 (Sid "DenyPlainHTTP")`, "aws:SecureTransport = false\n"}},
		"a role that differs in one letter": {
			map[string]string{"--identity": identity, "--resource-policy": bucketPolicy("CrossAccountS3Rolf")}, 1,
			[]string{"DENIED (implicit): the resource policy does not allow it.", `closest is statement 0 (Sid "Read"), but for its Principal`,
				"they differ in one letter: CrossAccountS3Rol[f] in the statement, CrossAccountS3Rol[e] in the request"}},
		"a condition on what the request does not carry": {
			map[string]string{"--identity": identity, "--resource-policy": strings.Replace(bucketPolicy("CrossAccountS3Role"), `bucket/*"}`,
				`bucket/*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}`, 1)}, 1,
			[]string{`closest is statement 0 (Sid "Read"), but for its condition StringEquals aws:PrincipalOrgID`, `statement  "o-1"`, "request    does not carry this key"}},
		"a service": {
			map[string]string{"--principal": "lambda.amazonaws.com", "--resource-policy": bucketPolicy("CrossAccountS3Role")}, 1,
			[]string{"DENIED (implicit): the resource policy does not allow it.", "no identity policy binds this principal", "aws:PrincipalServiceName = lambda.amazonaws.com  (implied)"}},
		"no bucket policy": {
			map[string]string{"--identity": identity}, 1,
			[]string{"DENIED (implicit): there is no resource policy"}},
		"no identity policy": {
			map[string]string{"--resource-policy": bucketPolicy("CrossAccountS3Role")}, 1,
			[]string{"DENIED (implicit): there is no identity policy"}},
		"the bucket named for its objects": {
			map[string]string{"--identity": strings.Replace(identity, "bucket/*", "bucket", 1), "--resource-policy": bucketPolicy("CrossAccountS3Role")}, 1,
			[]string{"the identity policy does not allow it", `the statement covers the bucket, not the objects in it, which are "arn:aws:s3:::my-cross-account-bucket/*"`}},
		"a boundary that is silent": {
			map[string]string{"--identity": identity, "--resource-policy": bucketPolicy("CrossAccountS3Role"),
				"--boundary": strings.Replace(identity, "s3:GetObject", "s3:PutObject", 1)}, 1,
			[]string{"DENIED (implicit): the permissions boundary does not allow it", `"s3:PutObject"`}},
		"a session policy that is silent": {
			map[string]string{"--identity": identity, "--resource-policy": bucketPolicy("CrossAccountS3Role"),
				"--session-policy": strings.Replace(identity, "s3:GetObject", "s3:PutObject", 1)}, 1,
			[]string{"DENIED (implicit): the session policy does not allow it"}},
		"an SCP that is silent": {
			map[string]string{"--identity": identity, "--resource-policy": bucketPolicy("CrossAccountS3Role"),
				"--scp": strings.Replace(everything, `"*"`, `"sqs:*"`, 1)}, 1,
			[]string{"DENIED (implicit): the SCP of level", "does not allow it"}},
		"an RCP that denies": {
			map[string]string{"--identity": identity, "--resource-policy": bucketPolicy("CrossAccountS3Role"),
				"--rcp": `{"Version":"2012-10-17","Statement":{"Sid":"NotYours","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`}, 1,
			[]string{"DENIED (explicit) by RCP", `(Sid "NotYours")`}},
		"a policy that is not known yet": {
			map[string]string{"--identity": identity, "--resource-policy": `"04da6b54-80e4-46f7-96ec-b56ff0331ba9"`}, 2,
			[]string{"UNDETERMINED", "resource policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := ask()
			for flag, text := range test.flags {
				switch flag {
				case "--context":
					args = append(args, flag, text)
				case "--principal":
					args[slices.Index(args, roleSession)] = text
				default:
					args = append(args, flag, write(t, strings.TrimLeft(flag, "-")+".json", text))
				}
			}
			code, stdout, stderr := gate(t, "", args...)
			if code != test.code || stderr != "" {
				t.Fatalf("exit code %d, want %d; stderr: %s\n%s", code, test.code, stderr, stdout)
			}
			for _, want := range test.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is not in\n%s", want, stdout)
				}
			}
		})
	}
}

func TestExplainGroupsLevels(t *testing.T) {
	base := ask("--identity", write(t, "identity.json", identity), "--resource-policy", write(t, "bucket.json", bucketPolicy("CrossAccountS3Role")))
	everything := write(t, "full.json", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	region := write(t, "region.json", `{"Statement":{"Effect":"Deny","Action":"iam:*","Resource":"*"}}`)
	if code, stdout, _ := gate(t, "", append(base, "--scp", "root="+everything, "--scp", "root="+region)...); code != 0 {
		t.Errorf("two SCPs of one level: exit code %d\n%s", code, stdout)
	}
	// On a level of its own, a policy that only denies leaves nothing allowed.
	if code, stdout, _ := gate(t, "", append(base, "--scp", everything, "--scp", region)...); code != 1 {
		t.Errorf("two levels: exit code %d\n%s", code, stdout)
	}
}

func TestExplainJSON(t *testing.T) {
	code, stdout, stderr := gate(t, "", ask("--format", "json", "--identity", write(t, "identity.json", identity),
		"--resource-policy", write(t, "bucket.json", bucketPolicy("CrossAccountS3Rolf")),
		"--context", "aws:TagKeys=a", "--context", "aws:TagKeys=b", "--context", "aws:TagKeys=c", "--context", "aws:principalarn=mine")...)
	if code != 1 || stderr != "" {
		t.Fatalf("exit code %d, stderr %s", code, stderr)
	}
	var answer struct {
		Decision, Sentence string
		Request            struct{ Context map[string]any }
		Implied            []string
		Reasons            []struct {
			Layer, Outcome string
			Nearest        *struct {
				Index     int
				Sid, Part string
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	if answer.Decision != "ImplicitlyDenied" || !strings.HasPrefix(answer.Sentence, "Denied (implicit): ") {
		t.Errorf("decision %q, sentence %q", answer.Decision, answer.Sentence)
	}
	if got := fmt.Sprint(answer.Request.Context["aws:TagKeys"]); got != "[a b c]" {
		t.Errorf("a key given three times has the values %s", got)
	}
	if _, added := answer.Request.Context["aws:PrincipalArn"]; added {
		t.Error("a key that was given in other letter case was added again")
	}
	if got := strings.Join(answer.Implied, " "); got != "aws:PrincipalAccount aws:PrincipalIsAWSService aws:PrincipalType aws:ResourceAccount" {
		t.Errorf("implied: %s", got)
	}
	for _, reason := range answer.Reasons {
		if reason.Layer == "resource" {
			if reason.Outcome != "silent" || reason.Nearest == nil || reason.Nearest.Sid != "Read" || reason.Nearest.Part != "principal" {
				t.Errorf("the resource policy's reason is %+v", reason)
			}
			return
		}
	}
	t.Errorf("no reason of the resource policy in\n%s", stdout)
}

// badDocuments are the ways to get a policy wrong, each with the text that has to tell where and what.
var badDocuments = map[string]struct{ document, place, problem string }{
	"not JSON":                       {`Version: 2012-10-17`, ``, `is not JSON`},
	"an empty file":                  {``, ``, `is empty, expected a JSON object`},
	"a string instead of an object":  {`"s3:*"`, ``, `is "s3:*", expected a policy object`},
	"a Statement of the wrong type":  {`{"Statement":7}`, `Statement`, `is the number 7, expected a statement object or an array of them`},
	"an unknown Effect":              {bad(`"Effect":"Permit"`, ``), `statement 0 (Sid "S"), Effect`, `"Permit" is neither "Allow" nor "Deny"`},
	"an unknown condition operator":  {bad(`"Effect":"Allow"`, `"StringIs":{"aws:x":"y"}`), `statement 0 (Sid "S"), Condition.StringIs`, `unknown condition operator`},
	"a bad CIDR":                     {bad(`"Effect":"Allow"`, `"IpAddress":{"aws:SourceIp":"10.0.0.0/64"}`), `statement 0 (Sid "S"), Condition.IpAddress.aws:SourceIp`, `"10.0.0.0/64" is not an IP address range`},
	"a bad date":                     {bad(`"Effect":"Allow"`, `"DateLessThan":{"aws:CurrentTime":"tomorrow"}`), `statement 0 (Sid "S"), Condition.DateLessThan.aws:CurrentTime`, `"tomorrow" is not a date`},
	"a repeated key":                 {bad(`"Effect":"Deny","Effect":"Allow"`, ``), `statement 0 (Sid "S"), Effect`, `given twice`},
	"an element in other letters":    {bad(`"effect":"Allow"`, ``), `statement 0 (Sid "S"), "effect"`, `expected "Effect"`},
	"an unknown element":             {bad(`"Effect":"Allow","Comment":"x"`, ``), `statement 0 (Sid "S"), "Comment"`, `unknown element`},
	"something behind the document":  {bad(`"Effect":"Allow"`, ``) + `,`, ``, `something follows the end`},
	"an action that is not a string": {strings.Replace(bad(`"Effect":"Allow"`, ``), `"s3:GetObject"`, `true`, 1), `statement 0 (Sid "S"), Action`, `is the boolean true`},
}

// bad is a document with one statement whose Effect and Condition are given.
func bad(effect, condition string) string {
	return `{"Statement":[{"Sid":"S",` + effect + `,"Action":"s3:GetObject","Resource":"*","Condition":{` + condition + `}}]}`
}

func TestExplainRefusesBadInput(t *testing.T) {
	for name, test := range badDocuments {
		t.Run(name, func(t *testing.T) {
			path := write(t, "policy.json", test.document)
			code, stdout, stderr := gate(t, "", ask("--identity", path)...)
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d, stdout %q", code, stdout)
			}
			for _, want := range []string{"gate explain: identity policy ", "policy.json", test.place, test.problem} {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q is not in: %s", want, stderr)
				}
			}
		})
	}
}

func simulateCase(id, document string) string {
	return `{"id":"` + id + `","request":{"principal":"` + roleSession + `","action":"s3:GetObject","resource":{"resource":"arn:aws:s3:::my-cross-account-bucket/in/k",` +
		`"accountId":"987654321098"},"context":{}},"identityPolicies":[{"name":"p","policy":` + document + `}],"resourcePolicy":` +
		strings.ReplaceAll(bucketPolicy("CrossAccountS3Role"), "\n", "") + `}`
}

func TestSimulateAnswersTheOtherLines(t *testing.T) {
	for name, test := range badDocuments {
		t.Run(name, func(t *testing.T) {
			input := simulateCase("a", identity) + "\n\n" + simulateCase("b", test.document) + "\n" + simulateCase("c", identity)
			code, stdout, stderr := gate(t, input, "simulate")
			if code != 2 || stderr != "" {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
			lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
			if len(lines) != 3 || lines[0] != `{"id":"a","decision":"Allowed"}` || lines[2] != `{"id":"c","decision":"Allowed"}` {
				t.Fatalf("answers:\n%s", stdout)
			}
			var answer struct{ ID, Error string }
			if err := json.Unmarshal([]byte(lines[1]), &answer); err != nil {
				t.Fatal(err)
			}
			// Where the document is not even JSON, the case around it is not either.
			if answer.ID != "b" || !strings.HasPrefix(answer.Error, "line 3: ") || !strings.Contains(answer.Error, test.place) {
				t.Errorf("answer: %+v, want the id b, line 3 and %s", answer, test.place)
			}
		})
	}
}

func TestSimulate(t *testing.T) {
	for name, test := range map[string]struct {
		input string
		code  int
		want  string
	}{
		"nothing":                {"", 0, ""},
		"blank lines":            {"\n  \n\r\n", 0, ""},
		"no line end at the end": {simulateCase("a", identity), 0, `{"id":"a","decision":"Allowed"}` + "\n"},
		"Windows line ends":      {simulateCase("a", identity) + "\r\n" + simulateCase("b", "{}") + "\r\n", 0, `{"id":"a","decision":"Allowed"}` + "\n" + `{"id":"b","decision":"ImplicitlyDenied"}` + "\n"},
		"an id with quotes":      {simulateCase(`\"\u0001`, identity), 0, `{"id":"\"\u0001","decision":"Allowed"}` + "\n"},
		"an id nobody can read":  {"\n[]\n", 2, `{"id":null,"error":"line 2: case: is an array, expected an object with request and identityPolicies"}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := gate(t, test.input, "simulate")
			if code != test.code || stdout != test.want || stderr != "" {
				t.Errorf("exit code %d, want %d\ngot  %q\nwant %q\nstderr %q", code, test.code, stdout, test.want, stderr)
			}
		})
	}
}

func TestSimulateReasons(t *testing.T) {
	code, stdout, _ := gate(t, simulateCase("a", identity), "simulate", "--reasons")
	var answer struct {
		Decision string
		Reasons  []struct {
			Layer, Outcome string
			Statement      *struct{ Sid string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, stdout)
	}
	for _, reason := range answer.Reasons {
		if reason.Layer == "identity" && reason.Outcome == "allowed" && reason.Statement.Sid == "Objects" {
			return
		}
	}
	t.Errorf("no reason of the identity policy in %s", stdout)
}

func TestSimulateKeepsTheOrder(t *testing.T) {
	const cases = 3000
	var input, want strings.Builder
	for i := range cases {
		switch id := fmt.Sprint(i); i % 3 {
		case 0:
			fmt.Fprintln(&input, simulateCase(id, identity))
			fmt.Fprintf(&want, `{"id":"%s","decision":"Allowed"}`+"\n", id)
		case 1:
			// Cases of different sizes take different times.
			fmt.Fprintln(&input, simulateCase(id, strings.Replace(identity, `"arn:aws:s3:::my-cross-account-bucket/*"`,
				`["arn:aws:s3:::other"`+strings.Repeat(`,"arn:aws:s3:::another"`, i%50)+`]`, 1)))
			fmt.Fprintf(&want, `{"id":"%s","decision":"ImplicitlyDenied"}`+"\n", id)
		case 2:
			fmt.Fprintf(&input, `{"id":"%s"]`+"\n", id)
			fmt.Fprintf(&want, `{"id":"%s","error":"line %d: case: is not JSON: `, id, i+1)
			fmt.Fprintf(&want, `invalid character ']' after object value (expecting ',' or '}'), column %d"}`+"\n", len(`{"id":""`)+len(id)+1)
		}
	}
	code, stdout, _ := gate(t, input.String(), "simulate")
	if code != 2 {
		t.Errorf("exit code %d", code)
	}
	got, expected := strings.Split(stdout, "\n"), strings.Split(want.String(), "\n")
	if len(got) != len(expected) {
		t.Fatalf("%d lines, want %d", len(got), len(expected))
	}
	for i := range got {
		if got[i] != expected[i] {
			t.Fatalf("line %d:\n got %s\nwant %s", i+1, got[i], expected[i])
		}
	}
}

func TestSimulateTakesLongLinesUpToItsLimit(t *testing.T) {
	long := strings.Replace(simulateCase("long", identity), `"context":{}`, `"context":{"aws:x":"`+strings.Repeat("x", 1<<20)+`"}`, 1)
	endless := io.LimitReader(repeat('x'), maxLine+1000)
	command := Command{
		Stdin:  io.MultiReader(strings.NewReader(long+"\n"), endless, strings.NewReader("\n"+simulateCase("last", identity))),
		Stderr: io.Discard,
	}
	var out bytes.Buffer
	command.Stdout = &out
	if code := command.Main([]string{"simulate"}); code != 2 {
		t.Errorf("exit code %d", code)
	}
	want := `{"id":"long","decision":"Allowed"}
{"id":null,"error":"line 2: longer than 16 MiB"}
{"id":"last","decision":"Allowed"}
`
	if out.String() != want {
		t.Errorf("answers:\n%s", &out)
	}
}

type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

// A program on the other side of a pipe may wait for the answer before it asks again.
func TestSimulateAnswersBeforeTheInputEnds(t *testing.T) {
	questions, ask := io.Pipe()
	answers, tell := io.Pipe()
	done := make(chan int)
	go func() {
		command := Command{Stdin: questions, Stdout: tell, Stderr: io.Discard}
		done <- command.Main([]string{"simulate"})
	}()
	want := `{"id":"a","decision":"Allowed"}` + "\n"
	got := make([]byte, len(want))
	for range 3 {
		if _, err := io.WriteString(ask, simulateCase("a", identity)+"\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(answers, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if err := ask.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSimulateTellsOfBrokenPipes(t *testing.T) {
	var errs bytes.Buffer
	command := Command{
		Stdin:  io.MultiReader(strings.NewReader(simulateCase("a", identity)+"\n"), iotest.ErrReader(errors.New("the disk is gone"))),
		Stdout: io.Discard, Stderr: &errs,
	}
	if code := command.Main([]string{"simulate"}); code != 2 || !strings.Contains(errs.String(), "reading the cases: the disk is gone") {
		t.Errorf("exit code %d, stderr %s", code, &errs)
	}
	errs.Reset()
	reader, writer := io.Pipe()
	reader.CloseWithError(errors.New("nobody listens"))
	command = Command{Stdin: strings.NewReader(simulateCase("a", identity)), Stdout: writer, Stderr: &errs}
	if code := command.Main([]string{"simulate"}); code != 2 || !strings.Contains(errs.String(), "writing the answers: nobody listens") {
		t.Errorf("exit code %d, stderr %s", code, &errs)
	}
}
