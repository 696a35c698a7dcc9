package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// What is around a resource in a preview, and a resource that has no findings.
const (
	previewBegin = `{"config":{"aws:allowedAccountIds":"[\"123456789012\"]"},"steps":[`
	previewEnd   = `],"changeSummary":{"create":1}}`
	goodStep     = `{"op":"create","newState":{"urn":"urn:pulumi:a::p::aws:iam/rolePolicy:RolePolicy::r","type":"aws:iam/rolePolicy:RolePolicy",` +
		`"inputs":{"role":"R","name":"p","policy":"{\"Version\":\"2012-10-17\",\"Statement\":` +
		`{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/*\"}}"}}}`
	goodPreview = previewBegin + goodStep + previewEnd
)

// withUTF16 is a text as Windows PowerShell writes it.
func withUTF16(text string) string {
	b := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return string(b)
}

// Whatever a file is, the gate says in one line that it could not judge it, where it is, and what is wrong with it.
func TestCheckBadInput(t *testing.T) {
	nested := func(depth int) string {
		return strings.Replace(goodPreview, `"inputs":{`, `"inputs":{"tags":`+strings.Repeat(`[`, depth)+strings.Repeat(`]`, depth)+`,`, 1)
	}
	for name, test := range map[string]struct {
		text string
		want string // behind the file's name; empty for what is judged, and passes
	}{
		"as it should be":           {goodPreview, ""},
		"other line ends":           {strings.ReplaceAll(goodPreview, ",\"", ",\r\n\""), ""},
		"space around":              {"\n\n " + goodPreview + " \r\n\t", ""},
		"as deep as nobody writes":  {nested(9000), ""},
		"nothing":                   {"", "it is empty"},
		"nothing but space":         {" \n", "it is empty"},
		"the first half":            {goodPreview[:300], "it ends in the middle, at byte 300"},
		"all but the last brace":    {goodPreview[:len(goodPreview)-1], "it ends in the middle"},
		"a resource that is broken": {strings.Replace(goodPreview, `"name":"p"`, `"name":p`, 1), "it is not JSON behind byte 66: invalid character 'p'"},
		"zeros":                     {strings.Repeat("\x00", 100), `it is not JSON behind byte 0: invalid character '\x00'`},
		"an array":                  {"[" + goodPreview + "]", "it is neither a preview"},
		"a text":                    {`"steps"`, "it is neither a preview"},
		"null":                      {"null", "it is neither a preview"},
		"YAML":                      {"steps:\n  - op: create\n", "it is not JSON behind byte 0: invalid character 's'"},
		"one object a line":         {goodPreview + "\n" + goodPreview + "\n", "there is text behind the JSON object"},
		"words behind":              {goodPreview + "\nResources:\n    + 1 to create\n", "there is text behind the JSON object"},
		"an event log": {
			`{"sequence":1,"timestamp":1,"preludeEvent":{"config":{}}}` + "\n" + `{"sequence":2,"summaryEvent":{}}` + "\n", "there is text behind the JSON object",
		},
		"UTF-16":            {withUTF16(goodPreview), "it begins with a byte order mark"},
		"a byte order mark": {"\xef\xbb\xbf" + goodPreview, "it begins with a byte order mark"},
		"a Terraform plan": {
			`{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{},"resource_changes":[],"configuration":{}}`, "it is neither a preview",
		},
		"a CloudFormation template": {`{"AWSTemplateFormatVersion":"2010-09-09","Resources":{}}`, "it is neither a preview"},
		"resources of another cloud": {
			previewBegin + `{"op":"create","newState":{"urn":"urn:pulumi:a::p::azure-native:storage:StorageAccount::s","type":"azure-native:storage:StorageAccount"}}` +
				previewEnd, `it has no resource of AWS, but such as "azure-native:storage:StorageAccount"`,
		},
		"a resource of another provider for AWS": {
			previewBegin + goodStep + `,{"op":"create","newState":{"urn":"urn:pulumi:a::p::aws-native:s3:BucketPolicy::s","type":"aws-native:s3:BucketPolicy"}}` +
				previewEnd, `the resource "urn:pulumi:a::p::aws-native:s3:BucketPolicy::s" is one of aws-native`,
		},
		"a resource twice": {previewBegin + goodStep + "," + goodStep + previewEnd, "is there twice"},
		"a resource without a URN": {
			strings.Replace(goodPreview, "urn:pulumi:", "", 1), `has the URN "a::p::aws:iam/rolePolicy:RolePolicy::r", which Pulumi does not write`,
		},
		"a resource without a type": {strings.Replace(goodPreview, `"type"`, `"types"`, 1), `a resource of the type ""`},
		"a URN that is broken":      {strings.Replace(goodPreview, "urn:pulumi:", `urn\n:`, 1), `has the URN "urn\n:a::p`},
		"steps twice":               {strings.Replace(goodPreview, `"steps"`, `"steps":[],"steps"`, 1), "there is steps, and something like it before"},
		"both a preview and a state": {
			strings.Replace(goodPreview, `"steps"`, `"deployment":{"resources":[]},"steps"`, 1), "there is steps, and something like it before",
		},
		"steps of another kind":      {`{"steps":{"op":"create"}}`, "it is neither a preview"},
		"a step of another kind":     {`{"steps":["create"]}`, "a resource is a JSON string, which Pulumi does not write there"},
		"an operation that is none":  {strings.Replace(goodPreview, `"create"`, `5`, 1), "op is a JSON number, which Pulumi does not write there"},
		"resources of another kind":  {`{"version":3,"deployment":{"resources":{}}}`, "it is neither a preview"},
		"deeper than JSON can be":    {nested(20000), "exceeded max depth"},
		"deeper than JSON can be, 2": {strings.Repeat(`{"steps":[`, 1000000), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "preview.json")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			checkRefuses(t, path, strings.NewReader(""), path, test.want)
		})
	}
	t.Run("a directory", func(t *testing.T) {
		dir := t.TempDir()
		checkRefuses(t, dir, strings.NewReader(""), dir, "is a directory")
	})
}

// checkRefuses checks one file and expects exit code 2 and one line with the file's name and what is wanted, or a pass.
func checkRefuses(t *testing.T, path string, stdin io.Reader, named, want string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := Command{Stdin: stdin, Stdout: &stdout, Stderr: &stderr}
	code := command.Main([]string{"check", path})
	if want == "" {
		if code != exitOK {
			t.Errorf("%d\n%s%s", code, stdout.String(), stderr.String())
		}
		return
	}
	said := 0
	for line := range strings.Lines(stdout.String()) {
		if strings.Contains(line, named+": ") && strings.Contains(line, want) {
			said++
		}
	}
	if code != exitFailed || said != 1 || stderr.Len() > 0 || strings.Count(stdout.String(), "\n") > 5 {
		t.Errorf("%d, want %d and one line with %q\n%.1000s%s", code, exitFailed, want, stdout.String(), stderr.String())
	}
}

// endless gives one byte again and again, and counts how often.
type endless struct {
	give byte
	left int64
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, bytes.Repeat([]byte{e.give}, int(min(int64(len(p)), e.left))))
	e.left -= int64(n)
	e.read += int64(n)
	return n, nil
}

// A text of a gibibyte is not read to its end, wherever it stands.
func TestCheckBoundsMemory(t *testing.T) {
	const most = 65 << 20 // a value of 64 MiB, and what is read at once
	before, behind, _ := strings.Cut(goodPreview, `s3:GetObject`)
	for name, test := range map[string]struct {
		begin string
		give  byte
		end   string
	}{
		"a policy":            {before, 'x', behind},
		"a setting":           {`{"config":{"p:text":"`, 'x', `"}}`},
		"what no rule sees":   {`{"x":"`, 'x', `"}`},
		"a name":              {`{"`, 'x', `":1}`},
		"a number":            {`{"steps":[`, '1', `]}`},
		"space":               {previewBegin, ' ', previewEnd},
		"space at the end":    {goodPreview, ' ', "{}"},
		"arrays":              {previewBegin + `{"op":"create","newState":`, '[', previewEnd},
		"space at the begin":  {"", '\n', goodPreview},
		"text instead of all": {"", 'x', ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := &endless{give: test.give, left: 1 << 30}
			checkRefuses(t, "-", io.MultiReader(strings.NewReader(test.begin), text, strings.NewReader(test.end)), "standard input", "byte")
			if text.read > most {
				t.Errorf("%d MiB were read", text.read>>20)
			}
		})
	}
}
