package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"
)

// Kind says what a policy document is attached to, which decides what its statements must and must not contain
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#access_policy-types).
type Kind string

const (
	// IdentityPolicy is attached to a role or user, inline or managed.
	IdentityPolicy Kind = "identity policy"
	// ResourcePolicy is attached to a resource: bucket, key, queue, topic, secret, function.
	ResourcePolicy Kind = "resource policy"
	// TrustPolicy is the resource policy of an IAM role, whose statements need not name the role as their Resource.
	TrustPolicy Kind = "trust policy"
	// PermissionsBoundary limits what a role's or user's identity policies can grant.
	PermissionsBoundary Kind = "permissions boundary"
	// SessionPolicy limits one role session.
	SessionPolicy Kind = "session policy"
	// ServiceControlPolicy limits the principals of an account in an organization.
	ServiceControlPolicy Kind = "SCP"
	// ResourceControlPolicy limits access to the resources of an account in an organization.
	ResourceControlPolicy Kind = "RCP"
)

// hasPrincipal tells the kinds whose statements say whom they are about from those that are about whomever they are attached to.
func (k Kind) hasPrincipal() bool {
	return k == ResourcePolicy || k == TrustPolicy || k == ResourceControlPolicy
}

// DocumentError is one thing that is wrong with a policy document, or with the case around it.
type DocumentError struct {
	// Document is the kind and name of the document: `identity policy "read"`; or "case" for what surrounds the documents.
	Document string
	// Statement is the position within the Statement array, from 0; -1 when the problem is not inside a statement.
	Statement int
	// Sid is that statement's Sid, if it has one.
	Sid string
	// Key is the element, dotted where it is a nested one ("Condition.IpAddress.aws:SourceIp"); empty for the document as a
	// whole.
	Key string
	// Problem says what is wrong and what was expected.
	Problem string
}

func (e *DocumentError) Error() string {
	var b strings.Builder
	b.WriteString(e.Document)
	if e.Statement >= 0 {
		fmt.Fprintf(&b, ", statement %d", e.Statement)
		if e.Sid != "" {
			fmt.Fprintf(&b, " (Sid %s)", shorten(e.Sid))
		}
	}
	if e.Key != "" {
		b.WriteString(", ")
		b.WriteString(e.Key)
	}
	b.WriteString(": ")
	b.WriteString(e.Problem)
	return b.String()
}

// MalformedError is everything that is wrong with a document or a case; it is never empty.
type MalformedError []*DocumentError

// maxReported bounds the length of an error's text; a document of garbage would otherwise produce one as long as itself.
const maxReported = 10

func (e MalformedError) Error() string {
	texts := make([]string, 0, min(len(e), maxReported)+1)
	for i, problem := range e {
		if i == maxReported {
			texts = append(texts, fmt.Sprintf("and %d more problems", len(e)-maxReported))
			break
		}
		texts = append(texts, problem.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives errors.As each *DocumentError.
func (e MalformedError) Unwrap() []error {
	problems := make([]error, len(e))
	for i, problem := range e {
		problems[i] = problem
	}
	return problems
}

// ReadDocument reads one policy document strictly, by the grammar of the IAM JSON policy language
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html), and returns it as the value that the Rego
// modules take. Whatever AWS would refuse as malformed is an error of type MalformedError that names every place; name is what
// the error calls the document besides its kind, and may be empty.
//
// A value that a Pulumi preview does not show yet (see IsUnknown) is accepted wherever a string may stand, also in place of the
// whole document (then quoted as a JSON string): such a document is not malformed, only undetermined.
func ReadDocument(kind Kind, name string, data []byte) (ast.Value, error) {
	value, problem := readJSON(data)
	c := checker{document: documentName(kind, name), kind: kind, statement: -1}
	if problem != nil {
		c.locate(value, problem)
	}
	if value != nil {
		c.checkDocument(value)
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return value, nil
}

func documentName(kind Kind, name string) string {
	if name == "" {
		return string(kind)
	}
	return string(kind) + " " + shorten(name)
}

// checker walks one document and collects what is wrong with it.
type checker struct {
	document  string
	kind      Kind
	statement int    // the statement being looked at, -1 outside
	sid       string // and its Sid
	problems  MalformedError
}

func (c *checker) report(key, format string, args ...any) {
	c.problems = append(c.problems, &DocumentError{
		Document: c.document, Statement: c.statement, Sid: c.sid, Key: key, Problem: fmt.Sprintf(format, args...),
	})
}

// locate reports a problem of the JSON text, as near to the statement and element as the pointer into the document tells. The
// document, where it could be read in spite of the problem, supplies the Sid.
func (c *checker) locate(document ast.Value, problem *jsonError) {
	keys := slices.Collect(problem.pointer.Tokens())
	if len(keys) > 0 && keys[0] == "Statement" {
		keys = keys[1:]
		c.statement = 0
		if len(keys) > 0 {
			if index, err := strconv.Atoi(keys[0]); err == nil {
				c.statement = index
				keys = keys[1:]
			}
		}
		if object, ok := document.(ast.Object); ok {
			c.sid = sidOf(statementAt(object, c.statement))
		}
	}
	c.report(strings.Join(keys, "."), "%s", problem.problem)
	c.statement, c.sid = -1, ""
}

func statementAt(document ast.Object, index int) ast.Value {
	term := document.Get(word("Statement"))
	if term == nil {
		return nil
	}
	if array, ok := term.Value.(*ast.Array); ok {
		if index >= array.Len() {
			return nil
		}
		return array.Elem(index).Value
	}
	return term.Value
}

func sidOf(statement ast.Value) string {
	object, ok := statement.(ast.Object)
	if !ok {
		return ""
	}
	if term := object.Get(word("Sid")); term != nil {
		if sid, ok := term.Value.(ast.String); ok {
			return string(sid)
		}
	}
	return ""
}

var (
	documentElements  = []string{"Version", "Id", "Statement"}
	statementElements = []string{
		"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
	}
	principalTypes = []string{"AWS", "Service", "Federated", "CanonicalUser"}
)

func (c *checker) checkDocument(value ast.Value) {
	if s, ok := value.(ast.String); ok {
		if IsUnknown(string(s)) {
			return
		}
		if strings.HasPrefix(strings.TrimSpace(string(s)), "{") {
			c.report("", "is a string holding JSON, expected the policy object itself")
			return
		}
	}
	document, ok := value.(ast.Object)
	if !ok {
		c.report("", "is %s, expected a policy object with a Statement", describe(value))
		return
	}
	c.checkNames(document, "", documentElements)

	if version := document.Get(word("Version")); version != nil {
		c.checkOneOf("Version", version.Value, "2012-10-17", "2008-10-17")
	}
	if id := document.Get(word("Id")); id != nil {
		c.checkString("Id", id.Value)
	}
	statements := document.Get(word("Statement"))
	if statements == nil {
		c.report("Statement", "is missing")
		return
	}
	switch statements := statements.Value.(type) {
	case ast.Object:
		c.checkStatement(0, statements)
	case *ast.Array:
		if statements.Len() == 0 {
			c.report("Statement", "is empty, expected at least one statement")
		}
		for i := range statements.Len() {
			c.checkStatement(i, statements.Elem(i).Value)
		}
		c.checkSids(statements)
	case ast.String:
		if !IsUnknown(string(statements)) {
			c.report("Statement", "is %s, expected a statement object or an array of them", describe(statements))
		}
	default:
		c.report("Statement", "is %s, expected a statement object or an array of them", describe(statements))
	}
	c.statement, c.sid = -1, ""
}

// checkSids: IAM refuses a policy with the same Sid twice
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html); other services and Organizations do
// not say that they do. An empty Sid is none.
func (c *checker) checkSids(statements *ast.Array) {
	if c.kind != IdentityPolicy && c.kind != PermissionsBoundary && c.kind != SessionPolicy {
		return
	}
	var seen map[string]int
	for i := range statements.Len() {
		sid := sidOf(statements.Elem(i).Value)
		if sid == "" || IsUnknown(sid) {
			continue
		}
		if first, ok := seen[sid]; ok {
			c.statement, c.sid = i, sid
			c.report("Sid", "statement %d has the same Sid, and IAM wants each Sid once", first)
			continue
		}
		if seen == nil {
			seen = make(map[string]int, statements.Len())
		}
		seen[sid] = i
	}
}

func (c *checker) checkStatement(index int, value ast.Value) {
	c.statement, c.sid = index, sidOf(value)
	statement, ok := value.(ast.Object)
	if !ok {
		if s, ok := value.(ast.String); ok && IsUnknown(string(s)) {
			return
		}
		c.report("", "is %s, expected a statement object", describe(value))
		return
	}
	c.checkNames(statement, "", statementElements)

	if sid := statement.Get(word("Sid")); sid != nil {
		c.checkString("Sid", sid.Value)
	}
	if effect := statement.Get(word("Effect")); effect == nil {
		c.report("Effect", `is missing, expected "Allow" or "Deny"`)
	} else {
		c.checkOneOf("Effect", effect.Value, "Allow", "Deny")
	}
	c.checkPrincipalElements(statement)
	c.checkEither(statement, "Action", "NotAction", true, c.checkAction)
	// Only a trust policy can leave the resource out: it is the role itself.
	c.checkEither(statement, "Resource", "NotResource", c.kind != TrustPolicy, c.checkResource)
	if condition := statement.Get(word("Condition")); condition != nil {
		c.checkCondition(condition.Value)
	}
}

// checkNames reports the members of object that are not one of names, with the right spelling where only the letter case is
// wrong.
func (c *checker) checkNames(object ast.Object, prefix string, names []string) {
	known := 0
	for _, name := range names {
		if object.Get(word(name)) != nil {
			known++
		}
	}
	if known == object.Len() {
		return
	}
	object.Foreach(func(key, _ *ast.Term) {
		name, _ := key.Value.(ast.String)
		if slices.Contains(names, string(name)) {
			return
		}
		at := shorten(string(name))
		if prefix != "" {
			at = prefix + "." + at
		}
		if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, string(name)) }); i >= 0 {
			c.report(at, "element names are case-sensitive, expected %q", names[i])
			return
		}
		c.report(at, "unknown element, expected one of %s", strings.Join(names, ", "))
	})
}

// checkEither checks an element that has a negated twin: at most one of the two, and one of them where one is needed.
func (c *checker) checkEither(statement ast.Object, name, negated string, needed bool, check func(key, value string)) {
	positive, negative := statement.Get(word(name)), statement.Get(word(negated))
	switch {
	case positive != nil && negative != nil:
		c.report(negated, "stands beside %s, expected only one of the two", name)
	case positive == nil && negative == nil && needed:
		c.report(name, "is missing, expected %s or %s", name, negated)
	}
	if positive != nil {
		c.checkStrings(name, positive.Value, check)
	}
	if negative != nil {
		c.checkStrings(negated, negative.Value, check)
	}
}

func (c *checker) checkPrincipalElements(statement ast.Object) {
	principal, negated := statement.Get(word("Principal")), statement.Get(word("NotPrincipal"))
	if !c.kind.hasPrincipal() {
		for _, name := range [...]string{"Principal", "NotPrincipal"} {
			if statement.Get(word(name)) != nil {
				c.report(name, "does not belong in %s: it applies to whatever it is attached to", withArticle(c.kind))
			}
		}
		return
	}
	switch {
	case principal != nil && negated != nil:
		c.report("NotPrincipal", "stands beside Principal, expected only one of the two")
	case principal == nil && negated == nil:
		c.report("Principal", "is missing: %s says whom its statements are about", withArticle(c.kind))
	}
	if c.kind == ResourceControlPolicy {
		// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
		if negated != nil {
			c.report("NotPrincipal", `does not belong in an RCP, expected "Principal": "*"`)
		}
		if principal != nil && !isEveryone(principal.Value) {
			c.report("Principal", `is %s, expected "*" in an RCP`, describe(principal.Value))
		}
		return
	}
	if principal != nil {
		c.checkPrincipal("Principal", principal.Value)
	}
	if negated != nil {
		c.checkPrincipal("NotPrincipal", negated.Value)
	}
}

// isEveryone: "*" and {"AWS": "*"} mean the same.
func isEveryone(principal ast.Value) bool {
	if object, ok := principal.(ast.Object); ok && object.Len() == 1 {
		if aws := object.Get(word("AWS")); aws != nil {
			return isEveryone(aws.Value)
		}
	}
	if array, ok := principal.(*ast.Array); ok && array.Len() == 1 {
		return isEveryone(array.Elem(0).Value)
	}
	s, ok := principal.(ast.String)
	return ok && (s == "*" || IsUnknown(string(s)))
}

func (c *checker) checkPrincipal(key string, value ast.Value) {
	switch value := value.(type) {
	case ast.String:
		if value != "*" && !IsUnknown(string(value)) {
			c.report(key, `is %s, expected "*" or an object with %s`, describe(value), strings.Join(principalTypes, ", "))
		}
	case ast.Object:
		if value.Len() == 0 {
			c.report(key, "is empty, expected at least one of %s", strings.Join(principalTypes, ", "))
		}
		c.checkNames(value, key, principalTypes)
		for _, name := range principalTypes {
			if term := value.Get(word(name)); term != nil {
				c.checkStrings(key+"."+name, term.Value, c.checkNotEmpty)
			}
		}
	default:
		c.report(key, `is %s, expected "*" or an object with %s`, describe(value), strings.Join(principalTypes, ", "))
	}
}

// checkStrings checks a value that is a string or a non-empty array of strings, and each string that is not unknown with check.
func (c *checker) checkStrings(key string, value ast.Value, check func(key, value string)) {
	switch value := value.(type) {
	case ast.String:
		if !IsUnknown(string(value)) {
			check(key, string(value))
		}
	case *ast.Array:
		if value.Len() == 0 {
			c.report(key, "is an empty array, expected a string or an array of strings")
		}
		for i := range value.Len() {
			element := value.Elem(i).Value
			s, ok := element.(ast.String)
			switch {
			case !ok:
				c.report(fmt.Sprintf("%s[%d]", key, i), "is %s, expected a string", describe(element))
			case !IsUnknown(string(s)):
				before := len(c.problems)
				check(key, string(s))
				for _, problem := range c.problems[before:] {
					problem.Key = fmt.Sprintf("%s[%d]", key, i)
				}
			}
		}
	default:
		c.report(key, "is %s, expected a string or an array of strings", describe(value))
	}
}

func (c *checker) checkNotEmpty(key, value string) {
	if value == "" {
		c.report(key, "is empty")
	}
}

// checkAction: "*", or a service prefix and a name with * and ? in it
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html).
func (c *checker) checkAction(key, value string) {
	if value == "*" {
		return
	}
	service, name, found := strings.Cut(value, ":")
	if !found || service == "" || name == "" || strings.ContainsFunc(service, notInAction) || strings.ContainsFunc(name, notInAction) {
		c.report(key, `%s is not an action, expected "*" or service:name as in "s3:GetObject" or "s3:Get*"`, shorten(value))
	}
}

func notInAction(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_.*?", r)
}

// checkResource leaves what is no ARN to the evaluator, which does not settle it: resource policies of some services take the resource's
// own name (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
func (c *checker) checkResource(key, value string) {
	if value == "" {
		c.report(key, `is empty, expected "*" or an ARN`)
	}
}

// isARN: six components, the first of them "arn"
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
func isARN(s string) bool {
	return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= 5
}

func (c *checker) checkString(key string, value ast.Value) {
	if _, ok := value.(ast.String); !ok {
		c.report(key, "is %s, expected a string", describe(value))
	}
}

func (c *checker) checkOneOf(key string, value ast.Value, allowed ...string) {
	s, ok := value.(ast.String)
	if ok && (slices.Contains(allowed, string(s)) || IsUnknown(string(s))) {
		return
	}
	c.report(key, "%s is neither %q nor %q", describe(value), allowed[0], allowed[1])
}

// describe names a value in an error message: scalars as they stand, the rest by its type.
func describe(value ast.Value) string {
	switch value := value.(type) {
	case nil:
		return "nothing"
	case ast.String:
		return shorten(string(value))
	case ast.Number:
		return "the number " + string(value)
	case ast.Boolean:
		return fmt.Sprintf("the boolean %t", bool(value))
	case ast.Null:
		return "null"
	case *ast.Array:
		return "an array"
	default:
		return "an object"
	}
}

func withArticle(kind Kind) string {
	switch kind {
	case IdentityPolicy, ServiceControlPolicy, ResourceControlPolicy:
		return "an " + string(kind)
	default:
		return "a " + string(kind)
	}
}

// dotted joins a JSON pointer's parts to the dotted form that errors use.
func dotted(pointer jsontext.Pointer) string {
	return strings.Join(slices.Collect(pointer.Tokens()), ".")
}
