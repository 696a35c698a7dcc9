package report

import (
	"regexp"
	"strings"
	"testing"

	"cross-account-s3/policy"
)

// command is what GitHub Actions makes of a line: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts writes such.
var command = regexp.MustCompile(`^::(error|warning|notice) file=([^,:]*),line=1,title=([^,:]*)::(.*)$`)

var unescape = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")

func TestGitHub(t *testing.T) {
	all := reports()
	all["hostile"] = hostileReport()
	for name, r := range all {
		lines := strings.Split(strings.TrimSuffix(write(t, GitHub, r, Options{}), "\n"), "\n")
		if lines[0] != r.headline() {
			t.Errorf("%s begins with %q", name, lines[0])
		}
		if got, want := len(lines)-1, len(r.Failures)+len(r.Findings)+len(r.Excepted); got != want {
			t.Errorf("%s has %d commands, want %d", name, got, want)
		}
		for _, line := range lines[1:] {
			parts := command.FindStringSubmatch(line)
			if parts == nil || strings.ContainsAny(line, "\r\x1b") || strings.Contains(line, "##") {
				t.Errorf("%s: it is not one command: %q", name, line)
				continue
			}
			for _, part := range parts[2:] {
				for _, line := range strings.Split(unescape.Replace(part), "\n") {
					if line != plain(line) {
						t.Errorf("%s: %q is not plain", name, line)
					}
				}
			}
		}
	}
}

func TestGitHubLevels(t *testing.T) {
	text := write(t, GitHub, reports()["severities"], Options{})
	for _, want := range []string{
		"\n::error file=Pulumi.account-b.yaml,line=1,title=wildcard-principal%3A shared (BucketPolicy%2C account-b)::problem    The statement lets a stranger in%0Arequest    arn:",
		"\n::error file=Pulumi.account-b.yaml,line=1,title=secure-transport%3A ", "\n::warning file=Pulumi.yaml,line=1,title=one-sided-grant%3A all stacks::",
		"\n::notice file=Pulumi.account-a.yaml,line=1,title=unknown-action%3A ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	r := Report{Excepted: []policy.Excepted{{Finding: finding[policy.Critical], Owner: "o"}}, Failures: []string{"x"}}
	text = write(t, GitHub, r, Options{Location: func(stack string) string { return "a,b:" + stack }})
	for _, want := range []string{"\n::error file=a%2Cb%3A,line=1,title=could not judge::x\n", "\n::notice file=a%2Cb%3Aaccount-b,line=1,"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}

func TestWriteCommand(t *testing.T) {
	for _, test := range []struct{ file, title, message, want string }{
		{"a", "b", "c", "::error file=a,line=1,title=b::c\n"},
		{"a%", "b%0A", "100%", "::error file=a%25,line=1,title=b%250A::100%25\n"},
		{"a:b,c", "d:e,f", "g:h,i", "::error file=a%3Ab%2Cc,line=1,title=d%3Ae%2Cf::g:h,i\n"},
		{"a\n", "b\r\n", "c\r\nd", "::error file=a%0A,line=1,title=b%0D%0A::c%0D%0Ad\n"},
	} {
		var b strings.Builder
		if writeCommand(&b, "error", test.file, test.title, test.message); b.String() != test.want {
			t.Errorf("it is\n%q, want\n%q", &b, test.want)
		}
	}
}
