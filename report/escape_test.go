package report

import (
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"arn:aws:s3:::b/*":            "arn:aws:s3:::b/*",
		bucketURN:                     bucketURN,
		"ключ ☃ é 日本":                 "ключ ☃ é 日本",
		"\x1b[31mred":                 `\x1b[31mred`,
		"a\nb\r\tc":                   `a\nb\r\tc`,
		"\x00\x7f\u009b":              `\x00\x7f\u009b`,
		"\u202eabc\u2066\u200b\ufeff": `\u202eabc\u2066\u200b\ufeff`,
		"a\u2028b\u00a0c":             `a\u2028b\u00a0c`,
		"\xff\xc3":                    `\xff\xc3`,
		"\ufffd":                      "\ufffd",
		"it's \\n":                    `it's \n`,
		"::error::x":                  `\x3a:error::x`,
		"x ::error::y":                `x \x3a:error::y`,
		"x\n::error::y":               `x\n::error::y`,
		"##[error]x ##vso[y]":         `\x23#[error]x \x23#vso[y]`,
		"###[error]x":                 `\x23\x23#[error]x`,
		"docs/rules.md#x":             "docs/rules.md#x",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	const arn = "arn:aws:s3:::a-bucket-with-a-long-name/and/a/key"
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""},
		{"one two three", 0, "one two three"},
		{"one two three", 9, "one two\n  three"},
		{"one two three", 8, "one\n  two\n  three"},
		{"may read " + arn + " over http", 20, "may read\n  " + arn + "\n  over http"},
		{"é é é é", 6, "é é\n  é é"},
		{"a  b", 80, "a  b"},
	} {
		if got := wrap(test.text, "  ", test.width); got != test.want {
			t.Errorf("%q in %d columns is\n%q, want\n%q", test.text, test.width, got, test.want)
		}
	}
}

// FuzzPlain holds what is written to one printable line that no build log takes for a command.
func FuzzPlain(f *testing.F) {
	f.Add(hostile)
	f.Add(": ::a # ##")
	f.Fuzz(func(t *testing.T, text string) {
		got := plain(text)
		if strings.ContainsAny(got, "\x00\x07\x1b\r\n\u2028\u202e") || strings.Contains(got, "##") || strings.HasPrefix(strings.TrimSpace(got), "::") {
			t.Errorf("%q is %q", text, got)
		}
		if again := plain(got); again != got {
			t.Errorf("%q is %q, and that %q", text, got, again)
		}
	})
}
