package policy

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Sentence is the result in one line: the decision, what made it, and for what is missing the statement that came closest. With
// the reasons left out it is the decision alone.
func (r Result) Sentence() string { return r.sentence(Reason.Sentence) }

// Verdict is the result in a short line: the decision, and the statements or layers that made it.
func (r Result) Verdict() string { return r.sentence(Reason.Verdict) }

func (r Result) sentence(about func(Reason) string) string {
	var name, because string
	switch r.Decision {
	case Allowed:
		name, because = "Allowed", " by "+r.statements("allowed", "identity", "resource")
	case ExplicitlyDenied:
		name, because = "Denied (explicit)", " by "+r.statements("denied")
	case ImplicitlyDenied:
		name, because = "Denied (implicit)", ": "+clauses(r.blockers(), about)
	default:
		var open []Reason
		for _, reason := range r.Reasons {
			if reason.Outcome == "undetermined" {
				open = append(open, reason)
			}
		}
		name, because = "Undetermined", ": "+clauses(open, about)
	}
	if strings.HasSuffix(because, " ") {
		because = ""
	}
	return name + because + "."
}

func clauses(reasons []Reason, about func(Reason) string) string {
	texts := make([]string, len(reasons))
	for i, reason := range reasons {
		texts[i] = about(reason)
	}
	return strings.Join(texts, "; ")
}

// Layers is what each layer said, a line each, with the values that kept the closest statement from matching one below the other.
func (r Result) Layers() string {
	var b strings.Builder
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "%-10s %s\n", reason.Layer, reason.Verdict())
		miss := reason.Nearest
		switch {
		case miss == nil:
			continue
		case reason.Outcome == "undetermined":
			fmt.Fprintf(&b, "%-10s   open is %s\n", "", miss.about())
		default:
			fmt.Fprintf(&b, "%-10s   closest is %s, but for %s\n", "", miss.place(), miss.about())
		}
		if miss.Part == "document" {
			continue
		}
		wanted, got := quoteAll(texts(miss.Wanted)), quoteAll(texts(miss.Got))
		if miss.negated() {
			wanted = "anything but " + wanted
		}
		if miss.Got == nil {
			got = "does not carry this key"
		}
		fmt.Fprintf(&b, "%-10s     statement  %s\n%-10s     request    %s\n", "", wanted, "", got)
		if hint := miss.Hint(); hint != "" {
			fmt.Fprintf(&b, "%-10s     %s\n", "", hint)
		}
	}
	return b.String()
}

// statements joins the statements of the reasons with this outcome, in the given layers or in all.
func (r Result) statements(outcome string, layers ...string) string {
	var found []string
	for _, reason := range r.Reasons {
		if reason.Outcome != outcome || reason.Statement == nil {
			continue
		}
		wanted := len(layers) == 0
		for _, layer := range layers {
			wanted = wanted || layer == reason.Layer
		}
		if wanted {
			found = append(found, reason.place(*reason.Statement))
		}
	}
	return strings.Join(found, " and ")
}

// blockers are the layers that would have had to allow the request. Which of identity and resource policy is needed hangs on the
// accounts, which a result does not tell, so the resource policy is only named where nothing else explains the denial.
func (r Result) blockers() []Reason {
	var limits, grants []Reason
	identityAllows := false
	for _, reason := range r.Reasons {
		switch reason.Layer {
		case "scp", "boundary", "session":
			if reason.Outcome == "silent" {
				limits = append(limits, reason)
			}
		case "identity":
			identityAllows = reason.Outcome == "allowed"
			if reason.Outcome == "silent" || reason.Outcome == "absent" {
				grants = append(grants, reason)
			}
		case "resource":
			if reason.Outcome == "silent" || reason.Outcome == "absent" {
				grants = append(grants, reason)
			}
		}
	}
	if len(limits) > 0 && identityAllows {
		return limits
	}
	return append(limits, grants...)
}

// Sentence says in a clause what the layer did: `the resource policy does not allow it: closest is statement 0…`.
func (r Reason) Sentence() string {
	switch {
	case r.Nearest == nil:
		return r.Verdict()
	case r.Outcome == "undetermined":
		return r.Verdict() + ": " + r.Nearest.difference()
	default:
		return r.Verdict() + ": " + r.Nearest.Sentence()
	}
}

// Verdict says in a short clause what the layer did, without the statement that came closest.
func (r Reason) Verdict() string {
	subject := "the " + r.layerName()
	if r.Statement != nil {
		subject = r.place(*r.Statement)
	}
	switch r.Outcome {
	case "allowed":
		return subject + " allows it"
	case "denied":
		return subject + " denies it"
	case "delegated":
		return subject + " leaves it to the account's own policies"
	case "undetermined":
		return subject + " may or may not match"
	case "absent":
		return "there is no " + r.layerName()
	case "inapplicable":
		return "no " + r.layerName() + " binds this principal"
	default:
		return subject + " does not allow it"
	}
}

func (r Reason) layerName() string {
	name, known := map[string]string{
		"scp": "SCP", "rcp": "RCP", "boundary": "permissions boundary", "session": "session policy", "identity": "identity policy",
		"resource": "resource policy",
	}[r.Layer]
	if !known {
		name = r.Layer
	}
	if r.Level != "" {
		name += " of level " + shorten(r.Level)
	}
	return name
}

// place names a statement with the layer it belongs to: `identity policy "access", statement 1 (Sid "Read")`.
func (r Reason) place(statement StatementRef) string {
	name := r.layerName()
	if statement.Policy != "" && r.Layer != "resource" && r.Layer != "session" {
		name += " " + shorten(statement.Policy)
	}
	return name + ", " + statement.position()
}

func (s StatementRef) position() string {
	if s.Sid == "" {
		return fmt.Sprintf("statement %d", s.Index)
	}
	return fmt.Sprintf("statement %d (Sid %s)", s.Index, shorten(s.Sid))
}

// Sentence says which statement came closest and what kept it from matching, with both values and, where they are near to each
// other, the difference.
func (m Miss) Sentence() string {
	sentence := "closest is " + m.place() + ", but " + m.difference()
	if hint := m.Hint(); hint != "" {
		sentence += " (" + hint + ")"
	}
	return sentence
}

// place names the statement, and its policy where a layer can have several.
func (m Miss) place() string {
	if m.Policy == "" || m.Policy == string(ResourcePolicy) || m.Policy == string(SessionPolicy) {
		return m.position()
	}
	return m.position() + " of " + shorten(m.Policy)
}

// about names the part that did not match.
func (m Miss) about() string {
	switch {
	case m.Part == "condition":
		return "its condition " + m.Operator + " " + m.Key
	case m.Part == "document":
		return "the document as a whole, which is not known yet"
	case m.Element != "":
		return "its " + m.Element
	default:
		return "its " + m.Part
	}
}

func (m Miss) difference() string {
	wanted, got := quoteAll(texts(m.Wanted)), quoteAll(texts(m.Got))
	all := ""
	if strings.HasPrefix(m.Element, "Not") {
		all = "all but "
	}
	switch m.Part {
	case "principal":
		return fmt.Sprintf("it names %sthe principal %s and the request comes from %s", all, wanted, got)
	case "action":
		return fmt.Sprintf("it covers %sthe action %s and the request is %s", all, wanted, got)
	case "resource":
		return fmt.Sprintf("it covers %sthe resource %s and the request is for %s", all, wanted, got)
	case "document":
		return "the document is not known yet"
	}
	verb := "asks for"
	if m.negated() {
		verb = "rules out"
	}
	if m.Got == nil {
		return fmt.Sprintf("its condition %s %s %s %s and the request does not carry this key", m.Operator, m.Key, verb, wanted)
	}
	return fmt.Sprintf("its condition %s %s %s %s and the request has %s", m.Operator, m.Key, verb, wanted, got)
}

// negated: the part matches what is not listed, so that values that are alike are what keeps it from matching.
func (m Miss) negated() bool {
	return strings.HasPrefix(m.Element, "Not") || strings.Contains(m.Operator, "Not")
}

// texts are the strings of a value of a Miss: one, or those of an array.
func texts(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return []string{value}
	case []string:
		return value
	case []any:
		var all []string
		for _, element := range value {
			all = append(all, texts(element)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, key := range []string{"AWS", "Service", "Federated", "CanonicalUser"} {
			all = append(all, texts(value[key])...)
		}
		return all
	default:
		return []string{fmt.Sprint(value)}
	}
}

// quoteAll lists values as a sentence can hold them.
func quoteAll(values []string) string {
	const limit = 3
	switch {
	case len(values) == 0:
		return "nothing"
	case len(values) == 1:
		return shorten(values[0])
	}
	var quoted []string
	for i, value := range values {
		if i == limit {
			quoted = append(quoted, fmt.Sprintf("%d more", len(values)-limit))
			break
		}
		quoted = append(quoted, shorten(value))
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

// Hint says what the difference is where two values are near to each other, as those that somebody mixed up or mistyped; else it
// is empty.
func (m Miss) Hint() string {
	if m.negated() || strings.HasPrefix(m.Operator, "Null") {
		return ""
	}
	if m.Part == "condition" && strings.EqualFold(m.Key, "aws:SecureTransport") {
		return transportHint(texts(m.Wanted), texts(m.Got))
	}
	if m.Part == "principal" {
		if hint := m.principalHint(); hint != "" {
			return hint
		}
	}
	hints := []func(wanted, got string) string{letterCaseHint, oneLetterHint, accountHint}
	if m.Part == "resource" {
		hints = []func(wanted, got string) string{bucketHint, letterCaseHint, oneLetterHint, keyHint}
	}
	for _, hint := range hints {
		for _, got := range texts(m.Got) {
			for _, wanted := range texts(m.Wanted) {
				if m.Part == "principal" {
					wanted, got = roleOf(wanted), roleOf(got)
				}
				if text := hint(wanted, got); text != "" {
					return text
				}
			}
		}
	}
	return ""
}

// uniqueID is the id of a role or user, which AWS shows in a policy in the place of the ARN of one that was deleted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
var uniqueID = regexp.MustCompile(`^(AROA|AIDA)[A-Z0-9]+$`)

// principalHint is about what only the names of principals have: ids of the deleted, paths and partitions.
func (m Miss) principalHint() string {
	for _, got := range texts(m.Got) {
		for _, wanted := range texts(m.Wanted) {
			role, other := strings.SplitN(wanted, ":", 6), strings.SplitN(got, ":", 6)
			switch {
			case uniqueID.MatchString(wanted):
				return shorten(wanted) + " is the id of a role or user that was deleted: also one of the same name, made again, is another. " +
					"Deploy the policy again, with the ARN"
			case len(role) < 6 || len(other) < 6:
			case role[1] != other[1] && strings.Replace(roleOf(wanted), ":"+role[1]+":", ":"+other[1]+":", 1) == roleOf(got):
				return fmt.Sprintf("another partition: %s in the statement, %s in the request", role[1], other[1])
			case wanted != got && strings.HasPrefix(role[5], "role/") && strings.HasPrefix(other[5], "role/") && roleOf(wanted) == roleOf(got):
				return fmt.Sprintf("the paths differ: %s in the statement, %s is the role", role[5], other[5])
			}
		}
	}
	return ""
}

func transportHint(wanted, got []string) string {
	asks := len(wanted) > 0 && strings.EqualFold(wanted[0], "true")
	switch {
	case !asks:
		return ""
	case len(got) == 0:
		return "the statement is for https only, and the request does not say how it came"
	case strings.EqualFold(got[0], "false"):
		return "the request came over http, and the statement is for https only"
	}
	return ""
}

// roleOf brings a role and its sessions to one form without the role's path and the session's name, in which they can be
// compared.
func roleOf(principal string) string {
	parts := strings.SplitN(principal, ":", 6)
	if len(parts) < 6 {
		return principal
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "assumed-role":
		name, _, _ = strings.Cut(name, "/")
	case "role":
		name = name[strings.LastIndexByte(name, '/')+1:]
	default:
		return principal
	}
	return "arn:" + parts[1] + ":iam::" + parts[4] + ":role/" + name
}

func letterCaseHint(wanted, got string) string {
	prefix, isPrefix := strings.CutSuffix(wanted, "*")
	start := got
	if isPrefix && len(got) >= len(prefix) {
		start = got[:len(prefix)]
	}
	if prefix == start || !strings.EqualFold(prefix, start) {
		return ""
	}
	return "only the letter case differs"
}

func oneLetterHint(wanted, got string) string {
	prefix, isPrefix := strings.CutSuffix(wanted, "*")
	if !isPrefix {
		return oneLetterApart(wanted, got)
	}
	// One letter more or less moves the end of what the prefix has to be compared with.
	for _, length := range []int{len(prefix), len(prefix) - 1, len(prefix) + 1} {
		if length < 1 || length > len(got) {
			continue
		}
		if hint := oneLetterApart(prefix, got[:length]); hint != "" {
			return hint
		}
	}
	return ""
}

// oneLetterApart shows the one letter that two texts differ in, in brackets within the part of a name that it belongs to.
func oneLetterApart(wanted, got string) string {
	if wanted == got || !utf8.ValidString(wanted) || !utf8.ValidString(got) {
		return ""
	}
	a, b := []rune(wanted), []rune(got)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	if len(a)-start-end > 1 || len(b)-start-end > 1 {
		return ""
	}
	const shortest = len("[]") + 4 // below that, everything is one letter apart from something
	inWanted, inGot := bracket(a, start, end), bracket(b, start, end)
	if len(inWanted) < shortest || len(inGot) < shortest {
		return ""
	}
	return fmt.Sprintf("they differ in one letter: %s in the statement, %s in the request", inWanted, inGot)
}

// bracket marks what stands between the first start and the last end runes, and drops what is not part of the same name.
func bracket(text []rune, start, end int) string {
	before, middle, after := string(text[:start]), string(text[start:len(text)-end]), string(text[len(text)-end:])
	before = before[strings.LastIndexAny(before, "/:")+1:]
	if i := strings.IndexAny(after, "/:"); i >= 0 {
		after = after[:i]
	}
	return before + "[" + middle + "]" + after
}

func accountHint(wanted, got string) string {
	a, b := accountIn(wanted), accountIn(got)
	if a == "" || b == "" || a == b {
		return ""
	}
	if isARN(wanted) && isARN(got) && strings.Replace(wanted, a, b, 1) != got && !strings.HasSuffix(wanted, ":root") {
		return ""
	}
	return fmt.Sprintf("another account: %s in the statement, %s in the request", a, b)
}

func accountIn(principal string) string {
	if accountID.MatchString(principal) {
		return principal
	}
	return AccountOf(principal)
}

// bucketHint: the bucket and the objects in it are two resources, and a policy needs the ARNs of both
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-arn-format.html).
func bucketHint(wanted, got string) string {
	if !isS3(wanted) || !isS3(got) {
		return ""
	}
	bucket, _, wantsObject := strings.Cut(wanted, "/")
	gotBucket, _, isObject := strings.Cut(got, "/")
	switch {
	case bucket != gotBucket:
	case isObject && !wantsObject:
		return fmt.Sprintf("the statement covers the bucket, not the objects in it, which are %q", bucket+"/*")
	case wantsObject && !isObject:
		return fmt.Sprintf("the statement covers objects, not the bucket itself, which is %q", bucket)
	}
	return ""
}

func keyHint(wanted, got string) string {
	bucket, key, wantsObject := strings.Cut(wanted, "/")
	gotBucket, gotKey, isObject := strings.Cut(got, "/")
	if !isS3(wanted) || !wantsObject || !isObject || bucket != gotBucket {
		return ""
	}
	return fmt.Sprintf("the bucket is the same, but the key %s is not within %s", shorten(gotKey), shorten(key))
}

func isS3(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return len(parts) == 6 && parts[2] == "s3"
}
