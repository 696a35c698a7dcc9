# METADATA
# title: Patterns
# description: |
#   The wildcards of IAM: `*` stands for any run of characters, `?` for exactly one. A pattern covers the whole text.
# related_resources:
#   - description: IAM JSON policy elements, Resource
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package iam.patterns

# METADATA
# title: The pattern matches the text
# description: |
#   True or undefined. Case-sensitive. Patterns without a wildcard and with a single one at the end, nearly all there are,
#   never reach the regular expression.
glob(pattern, text) if pattern == text
else := startswith(text, trim_suffix(pattern, "*")) if {
	regex.match(`^[^*?]*\*$`, pattern)
}
else := regex.match(concat("", [`^(?s:`, strings.replace_n(_wildcards, pattern), `)$`]), text) if {
	regex.match(`[*?]`, pattern)
}

# METADATA
# title: The escaped pattern matches the text
# description: |
#   True or undefined. As `glob`, but a backslash makes the character behind it literal: the form in which policy variables are
#   filled in, because a wildcard that comes out of `${*}` is none.
glob_escaped(pattern, text) if {
	regex.match(concat("", [`^(?s:`, strings.replace_n(_wildcards_escaped, pattern), `)$`]), text)
}

# METADATA
# title: A text as an escaped pattern that matches only this text
escape(text) := strings.replace_n({`\`: `\\`, "*": `\*`, "?": `\?`}, text)

# METADATA
# title: A pattern as an escaped pattern
# description: Its wildcards stay wildcards; only its backslashes are made literal.
escape_backslashes(pattern) := replace(pattern, `\`, `\\`)

# What each character of a pattern becomes in a regular expression (RE2, so that no pattern can make matching slow).
_wildcards := {
	"*": ".*", "?": ".",
	`\`: `\\`, ".": `\.`, "+": `\+`, "|": `\|`, "^": `\^`, "$": `\$`,
	"(": `\(`, ")": `\)`, "[": `\[`, "]": `\]`, "{": `\{`, "}": `\}`,
}

_wildcards_escaped := {
	"*": ".*", "?": ".",
	`\\`: `\\`, `\*`: `\*`, `\?`: `\?`,
	".": `\.`, "+": `\+`, "|": `\|`, "^": `\^`, "$": `\$`,
	"(": `\(`, ")": `\)`, "[": `\[`, "]": `\]`, "{": `\{`, "}": `\}`,
}
