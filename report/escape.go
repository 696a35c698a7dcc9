package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plain is text in one line that a terminal and a log only show: what is not printable (control characters, line breaks, marks
// that turn the reading direction, bytes that are no UTF-8) stands as its escape, as \x1b, and so does what a build log takes for
// a command: two colons that begin a word, and two number signs.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func plain(text string) string {
	var b strings.Builder
	wordBegins := true
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch rest := text[i:]; {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case !strconv.IsPrint(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		case wordBegins && strings.HasPrefix(rest, "::"):
			b.WriteString(`\x3a`)
		case strings.HasPrefix(rest, "##"):
			b.WriteString(`\x23`)
		default:
			b.WriteRune(r)
		}
		wordBegins = r == ' '
		i += size
	}
	return b.String()
}

// folded is the text of one of our own rules, which METADATA breaks into lines, in one line.
func folded(text string) string { return plain(strings.Join(strings.Fields(text), " ")) }

// wrap breaks plain text between words, so that no line but one of a single long word has more than width columns, and begins
// each line but the first with the indent. A width of 0 breaks nothing.
func wrap(text, indent string, width int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	column := len(indent)
	for i, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+length > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}
