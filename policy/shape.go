package policy

import (
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"sync"
)

// shape is what a policy says, with the names in it left out: of two of the same shape, there is fault with both or with neither. They
// differ at most in how buckets, folders, roles and the like are called, one name always standing where the other policy has the other.
//
// That is sound because the rules compare names only whole, as AWS does, with one another and with the words that stand in the rules
// themselves, as those of the requests that they try. So whatever is left out here
//   - stands in an ARN, behind its fifth colon and between two of its colons and slashes, and nowhere else in the policy, not even as a
//     part of something else or in other letters;
//   - is no word of the rules, and has only characters that mean nothing to them;
//   - cannot be told from another by a wildcard: where one stands beside letters and could match an ARN, nothing is left out at all.
func (a attachment) shape() string {
	text, _ := a.Text.(string)
	whole := a.Kind + "\x00" + a.Account + "\x00"
	if a.Kind != "identity" && a.Kind != "trust" { // These say nothing of what they are attached to.
		whole += `"` + a.ARN + `"`
	}
	whole += text
	// A stranger's account is one that stands nowhere in the policy. A variable may stand for anything.
	if strings.ContainsAny(whole, `\$`) || strings.Contains(a.ARN, `"`) || strings.Contains(whole, strangersAccount) {
		return whole
	}
	without := nameless{numbers: map[string]int{}}
	for i, part := range strings.Split(whole, `"`) { // As nothing is escaped, every other part is a string.
		if i > 0 {
			without.WriteByte('"')
		}
		if i%2 == 0 {
			without.WriteString(part)
		} else if !without.add(part) {
			return whole
		}
	}
	for word := range wordsOf(without.String()) {
		if _, isName := without.numbers[word]; isName {
			return whole
		}
	}
	return without.String()
}

// strangersAccount is the account of strangers in the rules, unless the policy has it.
const strangersAccount = "111122223333"

// nameless is a text in which numbers stand for names.
type nameless struct {
	strings.Builder
	names   []string
	numbers map[string]int // by the name in lower case
}

// add writes a string of a policy without the names in it; false where it could tell apart names that are left out.
func (n *nameless) add(text string) bool {
	const arn = "arn:"
	if wildcard := strings.IndexAny(text, "*?"); !strings.HasPrefix(strings.ToLower(text), arn) {
		n.WriteString(text)
		return wildcard < 0 || text == "*" || !strings.HasPrefix(arn, strings.ToLower(text[:wildcard]))
	}
	colons := 0
	for {
		end := strings.IndexAny(text, ":/")
		token := text
		if end >= 0 {
			token = text[:end]
		}
		switch {
		case colons >= 5 && isName(token):
			if !n.addName(token) {
				return false
			}
		case token != "*" && strings.ContainsAny(token, "*?"):
			return false
		default:
			n.WriteString(token)
		}
		if end < 0 {
			return true
		}
		n.WriteByte(text[end])
		if text[end] == ':' {
			colons++
		}
		text = text[end+1:]
	}
}

// addName writes the number of a name; false where there is the same name in other letters.
func (n *nameless) addName(name string) bool {
	folded := strings.ToLower(name)
	number, seen := n.numbers[folded]
	if !seen {
		number = len(n.names)
		n.names = append(n.names, name)
		n.numbers[folded] = number
	}
	n.WriteByte(0)
	n.WriteString(strconv.Itoa(number))
	return n.names[number] == name
}

// isName says whether a text is a name to the rules, and no word that they know.
func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, endsWord) && !knownWords()[strings.ToLower(text)]
}

func endsWord(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
		return false
	}
	return true
}

// wordsOf are the words of a text, in lower case.
func wordsOf(text string) iter.Seq[string] {
	return strings.FieldsFuncSeq(strings.ToLower(text), endsWord)
}

// knownWords are all words that stand in the Rego modules.
var knownWords = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for _, text := range append(moduleTexts(modules, "*"), moduleTexts(ruleModules, "rules/*")...) {
		for word := range wordsOf(text) {
			known[word] = true
		}
	}
	return known
})

// moduleTexts are the texts of embedded modules, without those of their tests.
func moduleTexts(files fs.FS, pattern string) []string {
	names, _ := fs.Glob(files, pattern) // The pattern is right.
	var texts []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, _ := fs.ReadFile(files, name) // It is embedded.
		texts = append(texts, string(text))
	}
	return texts
}
