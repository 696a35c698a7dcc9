package audit

import "strings"

// matches says whether a text matches a pattern of IAM, in which * stands for any run of characters and ? for one. A policy variable, whose
// value a record does not tell, matches anything here: better to keep a grant than to call it unused.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func matches(pattern, text string) bool {
	p, t, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == text[t] || pattern[p] == '?'):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// begins says whether a text that begins with start can match a pattern.
func begins(pattern, start string) bool {
	literal := literalStart(pattern)
	if len(literal) < len(pattern) && len(literal) < len(start) {
		return strings.HasPrefix(start, literal)
	}
	return strings.HasPrefix(literal, start)
}

// literalStart is what comes before the first wildcard of a pattern.
func literalStart(pattern string) string {
	if i := strings.IndexAny(pattern, "*?"); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// withoutVariables puts * in the place of policy variables; ${*}, ${?} and ${$} are these characters themselves, which are rare enough in
// names to be taken for anything as well.
func withoutVariables(pattern string) string {
	for {
		start := strings.Index(pattern, "${")
		if start < 0 {
			return pattern
		}
		length := strings.IndexByte(pattern[start:], '}')
		if length < 0 {
			return pattern
		}
		pattern = pattern[:start] + "*" + pattern[start+length+1:]
	}
}
