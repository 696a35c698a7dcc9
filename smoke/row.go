package smoke

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Outcome is how something ended that was tried: Allowed, the type of the function's error (handler/errors.go), the code of S3's, or one
// of those below that are neither.
type Outcome string

// The outcomes that are expected of something.
const (
	Allowed          Outcome = "allowed"
	AccessDenied     Outcome = "AccessDenied"
	BucketNotAllowed Outcome = "BucketNotAllowed"
	KeyNotAllowed    Outcome = "KeyNotAllowed"
	PayloadTooLarge  Outcome = "PayloadTooLarge"
)

// The outcomes that nothing is expected to have.
const (
	// WrongAnswer: it was allowed, and the answer is not what was asked for.
	WrongAnswer Outcome = "wrong answer"
	// NoAnswer: it was neither allowed nor refused.
	NoAnswer Outcome = "no answer"
	// NotTried: it could not be tried, which shows nothing, for better or worse.
	NotTried Outcome = "not tried"
)

// Row is one line of the table: what was tried, and what came of it.
type Row struct {
	// What is the request, as in "get of a version".
	What string
	// Who made it, as in "function".
	Who  string
	Want Outcome
	Got  Outcome
	// Why is what was answered, or why it was not tried. It has nothing of the data and no signature.
	Why string
}

// Differs says whether it ended in another way than expected. What was not tried does not differ.
func (r Row) Differs() bool { return r.Got != r.Want && r.Got != NotTried }

// Table writes rows as a table, and how many were as expected. Marked with !! is what differs, with -- what was not tried.
func Table(out io.Writer, rows []Row) {
	head := Row{What: "what", Who: "who", Want: "expected", Got: "got", Why: "why"}
	var widths [4]int
	for _, row := range append([]Row{head}, rows...) {
		for i, text := range row.cells() {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	line := func(mark string, row Row) {
		text := fmt.Sprintf("  %2s", mark)
		for i, cell := range row.cells() {
			text += fmt.Sprintf("  %-*s", widths[i], cell)
		}
		fmt.Fprintln(out, strings.TrimRight(text+"  "+row.Why, " "))
	}
	line("", head)
	asExpected, untried := 0, 0
	for _, row := range rows {
		switch {
		case row.Differs():
			line("!!", row)
		case row.Got == NotTried:
			line("--", row)
			untried++
		default:
			line("ok", row)
			asExpected++
		}
	}
	fmt.Fprintf(out, "\n%d of %d as expected", asExpected, len(rows)-untried)
	if untried > 0 {
		fmt.Fprintf(out, ", and %d not tried", untried)
	}
	fmt.Fprintln(out, ".")
}

func (r Row) cells() [4]string { return [4]string{r.What, r.Who, string(r.Want), string(r.Got)} }

// Differing is how many rows differ.
func Differing(rows []Row) int {
	count := 0
	for _, row := range rows {
		if row.Differs() {
			count++
		}
	}
	return count
}
