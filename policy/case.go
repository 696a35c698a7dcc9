package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"
)

var (
	caseMembers = []string{
		"id", "request", "identityPolicies", "resourcePolicy", "permissionBoundaries", "sessionPolicy", "scps", "rcps",
	}
	requestMembers  = []string{"principal", "action", "resource", "context"}
	resourceMembers = []string{"resource", "accountId"}
	namedMembers    = []string{"name", "policy"}
	levelMembers    = []string{"orgIdentifier", "policies"}
)

// question is a case that has been read, all but its documents: those are read where they are not known from an earlier case.
type question struct {
	id      *string // as far as it could be read
	request ast.Value
	// The layers, each with its documents; a layer of which the case has nothing is empty.
	identity, resource, boundary, session []document
	scp, rcp                              []level
}

// document is the text of a policy document with what the case calls it.
type document struct {
	kind  Kind
	name  string
	level string // of the organization, for an SCP or RCP that is attached to one of several
	text  []byte
}

// level is a level of an organization with the policies attached there.
type level struct {
	name      string
	documents []document
}

func (d document) title() string {
	title := string(d.kind)
	if d.kind != ResourcePolicy && d.kind != TrustPolicy && d.kind != SessionPolicy {
		title = documentName(d.kind, d.name)
	}
	if d.level != "" {
		title += " of level " + shorten(d.level)
	}
	return title
}

// read reads the document's text strictly. The empty object, which no service accepts as a policy, is how the case format writes
// a policy that says nothing.
func (d document) read() (ast.Value, MalformedError) {
	value, problem := readJSON(d.text)
	c := checker{document: d.title(), kind: d.kind, statement: -1}
	if problem != nil {
		c.locate(value, problem)
	}
	if object, ok := value.(ast.Object); value != nil && !(ok && object.Len() == 0) {
		c.checkDocument(value)
	}
	return value, c.problems
}

// caseReader reads one case of the format that docs/evaluator.md describes, in one pass over its text, and collects what is wrong
// with it.
type caseReader struct {
	line     []byte
	json     jsonReader
	problems MalformedError
}

func (r *caseReader) report(key, format string, args ...any) {
	r.problems = append(r.problems, &DocumentError{
		Document: "case", Statement: -1, Key: key, Problem: fmt.Sprintf(format, args...),
	})
}

// readCase reads one case but for its documents, of which it only finds the text. The context's JSON booleans and numbers become
// text, and the resource's account is taken from its ARN where the case does not tell it. The id is returned beside an error too,
// as far as it could be read.
func readCase(line []byte) (question, error) {
	r := caseReader{line: line, json: newJSONReader(line)}
	q, err := r.read()
	if err == nil {
		err = r.json.end()
	}
	if err != nil {
		r.locate(describeJSONError(line, err))
		if q.id == nil {
			q.id = salvageID(line)
		}
	}
	if len(r.problems) > 0 {
		return q, r.problems
	}
	return q, nil
}

// read returns an error only where the text is not JSON; what else is wrong it reports.
func (r *caseReader) read() (q question, err error) {
	if r.json.decoder.PeekKind() != '{' {
		value, err := r.json.value(1)
		if err == nil {
			r.report("", "is %s, expected an object with request and identityPolicies", describe(value.Value))
		}
		return q, err
	}
	hasRequest, hasIdentity := false, false
	err = r.members(func(name string) (err error) {
		switch name {
		case "id":
			var id string
			var ok bool
			if id, ok, err = r.text("id"); ok {
				q.id = &id
			}
		case "request":
			hasRequest = true
			var request *ast.Term
			if request, err = r.json.value(2); err == nil {
				q.request = r.checkRequest(request.Value)
			}
		case "identityPolicies":
			hasIdentity = true
			q.identity, err = r.named(name, IdentityPolicy)
		case "permissionBoundaries":
			q.boundary, err = r.optionally(name, PermissionsBoundary)
		case "resourcePolicy":
			q.resource, err = r.single(ResourcePolicy)
		case "sessionPolicy":
			q.session, err = r.single(SessionPolicy)
		case "scps":
			q.scp, err = r.levels(name, ServiceControlPolicy)
		case "rcps":
			q.rcp, err = r.levels(name, ResourceControlPolicy)
		default:
			err = r.unknown("", name, caseMembers)
		}
		return err
	})
	if err != nil {
		return q, err
	}
	if !hasRequest {
		r.report("request", "is missing")
	}
	if !hasIdentity {
		r.report("identityPolicies", "is missing, expected an array of policies (which may be empty)")
	}
	q.setResourceKind()
	return q, nil
}

// setResourceKind: whether the resource policy is a trust policy shows in the request, which may stand behind it. A resource that is not
// known yet may be a role, and a trust policy asks for the least.
func (q *question) setResourceKind() {
	if arn, ok := lookup(q.request, []string{"resource"}, "resource").(ast.String); ok {
		kind := ResourcePolicyKind(string(arn))
		if IsUnknown(string(arn)) {
			kind = TrustPolicy
		}
		for i := range q.resource {
			q.resource[i].kind = kind
		}
	}
}

// members reads an object, calling read for the value behind each name.
func (r *caseReader) members(read func(name string) error) error {
	if _, err := r.json.decoder.ReadToken(); err != nil {
		return err
	}
	for r.json.decoder.PeekKind() != '}' {
		raw, err := r.json.decoder.ReadValue()
		if err != nil {
			return err
		}
		name, err := stringTerm(raw)
		if err != nil {
			return err
		}
		if err := read(string(name.Value.(ast.String))); err != nil {
			return err
		}
	}
	_, err := r.json.decoder.ReadToken()
	return err
}

// elements reads an array, calling read for each element.
func (r *caseReader) elements(read func(i int) error) error {
	if _, err := r.json.decoder.ReadToken(); err != nil {
		return err
	}
	for i := 0; r.json.decoder.PeekKind() != ']'; i++ {
		if err := read(i); err != nil {
			return err
		}
	}
	_, err := r.json.decoder.ReadToken()
	return err
}

func (r *caseReader) text(key string) (text string, ok bool, err error) {
	term, err := r.json.value(2)
	if err != nil {
		return "", false, err
	}
	text, ok = r.checkString(key, term.Value)
	return text, ok, nil
}

func (r *caseReader) unknown(prefix, name string, known []string) error {
	r.reportUnknown(prefix, name, known)
	return r.json.decoder.SkipValue()
}

func (r *caseReader) reportUnknown(prefix, name string, known []string) {
	at := shorten(name)
	if prefix != "" {
		at = prefix + "." + at
	}
	r.report(at, "unknown key, expected one of %s", strings.Join(known, ", "))
}

// misplaced reports a value that is not what the place asks for.
func (r *caseReader) misplaced(key, expected string) error {
	term, err := r.json.value(2)
	if err == nil {
		r.report(key, "is %s, expected %s", describe(term.Value), expected)
	}
	return err
}

// raw is the next value as it stands in the text.
func (r *caseReader) raw() ([]byte, error) {
	value, err := r.json.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	end := r.json.decoder.InputOffset()
	return r.line[end-int64(len(value)) : end], nil
}

// isNull skips a null, which stands for an optional part that is not there.
func (r *caseReader) isNull() (bool, error) {
	if r.json.decoder.PeekKind() != 'n' {
		return false, nil
	}
	return true, r.json.decoder.SkipValue()
}

func (r *caseReader) single(kind Kind) ([]document, error) {
	if null, err := r.isNull(); null || err != nil {
		return nil, err
	}
	text, err := r.raw()
	return []document{{kind: kind, name: string(kind), text: text}}, err
}

func (r *caseReader) optionally(key string, kind Kind) ([]document, error) {
	if null, err := r.isNull(); null || err != nil {
		return nil, err
	}
	return r.named(key, kind)
}

// named reads an array of {"name", "policy"}.
func (r *caseReader) named(key string, kind Kind) (documents []document, err error) {
	if r.json.decoder.PeekKind() != '[' {
		return nil, r.misplaced(key, `an array of {"name", "policy"}`)
	}
	err = r.elements(func(i int) error {
		at := element(key, i)
		if r.json.decoder.PeekKind() != '{' {
			return r.misplaced(at.String(), `an object with "name" and "policy"`)
		}
		entry, err := r.entry(at, kind)
		if entry.document.text != nil {
			documents = append(documents, entry.document)
		}
		if entry.isLevel {
			r.reportUnknown(at.String(), "policies", namedMembers)
		}
		return err
	})
	return documents, err
}

// entry is what an element of a layer's array can be: a policy with a name, or a level with its policies.
type entry struct {
	document document
	level    level
	isLevel  bool
}

// entry reads an element of a layer's array and checks that it is complete.
func (r *caseReader) entry(at place, kind Kind) (e entry, err error) {
	var hasName, hasLevelName, hasPolicies bool
	e.document.kind = kind
	var foreign []string
	err = r.members(func(name string) (err error) {
		switch name {
		case "name":
			hasName = true
			e.document.name, _, err = r.text(at.dot(name))
		case "policy":
			e.document.text, err = r.raw()
		case "orgIdentifier":
			e.isLevel, hasLevelName = true, true
			e.level.name, _, err = r.text(at.dot(name))
		case "policies":
			e.isLevel, hasPolicies = true, true
			e.level.documents, err = r.named(at.dot(name), kind)
		default:
			foreign = append(foreign, name)
			err = r.json.decoder.SkipValue()
		}
		return err
	})
	if err != nil {
		return e, err
	}
	known := namedMembers
	if e.isLevel {
		known = levelMembers
		if hasName {
			foreign = append(foreign, "name")
		}
		if e.document.text != nil {
			foreign = append(foreign, "policy")
		}
	}
	for _, name := range foreign {
		r.reportUnknown(at.String(), name, known)
	}
	for _, part := range [...]struct {
		name         string
		there, needs bool
	}{
		{"name", hasName, !e.isLevel}, {"policy", e.document.text != nil, !e.isLevel},
		{"orgIdentifier", hasLevelName, e.isLevel}, {"policies", hasPolicies, e.isLevel},
	} {
		if part.needs && !part.there {
			r.report(at.dot(part.name), "is missing")
		}
	}
	for i := range e.level.documents {
		e.level.documents[i].level = e.level.name
	}
	return e, nil
}

// levels reads SCPs or RCPs: one level when flat, or an array of {"orgIdentifier", "policies"}.
func (r *caseReader) levels(key string, kind Kind) (levels []level, err error) {
	if null, err := r.isNull(); null || err != nil {
		return nil, err
	}
	if r.json.decoder.PeekKind() != '[' {
		return nil, r.misplaced(key, `an array of {"name", "policy"}, or of {"orgIdentifier", "policies"} for several levels`)
	}
	var flat []document
	err = r.elements(func(i int) error {
		at := element(key, i)
		if r.json.decoder.PeekKind() != '{' {
			return r.misplaced(at.String(), `an object with "name" and "policy", or with "orgIdentifier" and "policies"`)
		}
		entry, err := r.entry(at, kind)
		if entry.isLevel {
			levels = append(levels, entry.level)
		} else {
			flat = append(flat, entry.document)
		}
		return err
	})
	switch {
	case len(flat) > 0 && len(levels) > 0:
		r.report(key, `mixes policies ({"name", "policy"}) with levels ({"orgIdentifier", "policies"}), expected one of the two`)
	case len(flat) > 0:
		levels = []level{{documents: flat}}
	}
	return levels, err
}

// place is where in the case something stands; it only becomes text where there is something to report.
type place struct {
	key   string
	index int
}

func element(key string, index int) place { return place{key, index} }

func (p place) String() string { return fmt.Sprintf("%s[%d]", p.key, p.index) }

func (p place) dot(member string) string { return p.String() + "." + member }

// salvageID finds the id of a case that is not JSON, if it stands before the place where the text breaks.
func salvageID(line []byte) *string {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(line), jsontext.AllowDuplicateNames(true))
	if start, err := decoder.ReadToken(); err != nil || start.Kind() != '{' {
		return nil
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil
		}
		if name.String() != "id" {
			if decoder.SkipValue() != nil {
				return nil
			}
			continue
		}
		if id, err := decoder.ReadToken(); err == nil && id.Kind() == '"' {
			s := id.String()
			return &s
		}
		return nil
	}
	return nil
}

// documentPointer matches the place of a policy document within a case.
var documentPointer = regexp.MustCompile(
	`^/(resourcePolicy|sessionPolicy|(identityPolicies|permissionBoundaries|scps|rcps)/(\d+)(?:/policies/(\d+))?/policy)(/.*)?$`)

// locate reports a problem of the JSON text under the name of the document that it lies in.
func (r *caseReader) locate(problem *jsonError) {
	match := documentPointer.FindStringSubmatch(string(problem.pointer))
	if match == nil {
		r.report(dotted(problem.pointer), "%s", problem.problem)
		return
	}
	// Only names that are repeated leave something to look names up in.
	root, _ := readJSON(r.line)
	path := strings.Split(strings.TrimSuffix(match[0], match[5])[1:], "/")
	broken := document{kind: map[string]Kind{
		"resourcePolicy": ResourcePolicy, "sessionPolicy": SessionPolicy, "identityPolicies": IdentityPolicy,
		"permissionBoundaries": PermissionsBoundary, "scps": ServiceControlPolicy, "rcps": ResourceControlPolicy,
	}[path[0]]}
	if name, ok := lookup(root, path[:len(path)-1], "name").(ast.String); ok {
		broken.name = string(name)
	}
	if name, ok := lookup(root, path[:min(2, len(path))], "orgIdentifier").(ast.String); ok {
		broken.level = string(name)
	}
	c := checker{document: broken.title(), kind: broken.kind, statement: -1}
	inside := *problem
	inside.pointer = problem.pointer[len(problem.pointer)-len(match[5]):]
	c.locate(lookup(root, path, ""), &inside)
	r.problems = append(r.problems, c.problems...)
}

// lookup follows path through objects and arrays, and then member unless it is empty; nil where that leads nowhere.
func lookup(value ast.Value, path []string, member string) ast.Value {
	if member != "" {
		path = append(slices.Clone(path), member)
	}
	for _, step := range path {
		var term *ast.Term
		switch container := value.(type) {
		case ast.Object:
			term = container.Get(word(step))
		case *ast.Array:
			if i, err := strconv.Atoi(step); err == nil && i < container.Len() {
				term = container.Elem(i)
			}
		}
		if term == nil {
			return nil
		}
		value = term.Value
	}
	return value
}

// optional is a member that may be left out, for which null stands too.
func optional(object ast.Object, name string) *ast.Term {
	term := object.Get(word(name))
	if term == nil {
		return nil
	}
	if _, isNull := term.Value.(ast.Null); isNull {
		return nil
	}
	return term
}

func (r *caseReader) checkRequest(value ast.Value) ast.Object {
	request, ok := value.(ast.Object)
	if !ok {
		r.report("request", "is %s, expected an object with %s", describe(value), strings.Join(requestMembers, ", "))
		return nil
	}
	r.checkMembers(request, "request", requestMembers)

	pairs := make([][2]*ast.Term, 0, len(requestMembers))
	for _, part := range [...]struct {
		name  string
		check func(key, value string)
	}{{"principal", r.checkPrincipal}, {"action", r.checkAction}} {
		key := "request." + part.name
		term := request.Get(word(part.name))
		if term == nil {
			r.report(key, "is missing")
			continue
		}
		if s, ok := r.checkString(key, term.Value); ok && !IsUnknown(s) {
			part.check(key, s)
		}
		pairs = append(pairs, [2]*ast.Term{word(part.name), term})
	}
	if resource := request.Get(word("resource")); resource == nil {
		r.report("request.resource", `is missing, expected an object with "resource" (an ARN) and "accountId"`)
	} else if resource := r.checkResource(resource.Value); resource != nil {
		pairs = append(pairs, [2]*ast.Term{word("resource"), ast.NewTerm(resource)})
	}
	context := ast.NewObject()
	if given := optional(request, "context"); given != nil {
		context = r.checkContext(given.Value)
	}
	pairs = append(pairs, [2]*ast.Term{word("context"), ast.NewTerm(context)})
	return ast.NewObject(pairs...)
}

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	// principalARN: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
	principalARN = regexp.MustCompile(
		`^arn:[a-z-]+:(iam|sts)::[0-9]{12}:(root|(user|role|assumed-role|federated-user|oidc-provider|saml-provider)/.+)$`)
	hostName    = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	requestName = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9]+$`)
)

func (r *caseReader) checkPrincipal(key, value string) {
	switch {
	case value == "anonymous", value == "*":
	case accountID.MatchString(value), principalARN.MatchString(value), hostName.MatchString(value):
	default:
		r.report(key, "%s is no principal, expected the ARN of a role session, role, user, federated user, account root or identity "+
			`provider, an account id, a service as in "lambda.amazonaws.com", or "anonymous"`, shorten(value))
	}
}

func (r *caseReader) checkAction(key, value string) {
	if !requestName.MatchString(value) {
		r.report(key, `%s is not one action, expected service:Name as in "s3:GetObject"`, shorten(value))
	}
}

// checkResource checks the resource of a request and returns it with its account.
func (r *caseReader) checkResource(value ast.Value) ast.Object {
	object, ok := value.(ast.Object)
	if !ok {
		r.report("request.resource", `is %s, expected an object with "resource" (an ARN) and "accountId"`, describe(value))
		return nil
	}
	r.checkMembers(object, "request.resource", resourceMembers)
	arn, known := "", false
	term := object.Get(word("resource"))
	if term == nil {
		r.report("request.resource.resource", "is missing, expected an ARN")
		return nil
	}
	if s, ok := r.checkString("request.resource.resource", term.Value); ok {
		arn, known = s, !IsUnknown(s)
		if known && arn != "*" && !isARN(arn) {
			r.report("request.resource.resource", `%s is neither an ARN (arn:partition:service:region:account:resource) nor "*"`, shorten(arn))
		}
	}
	account := optional(object, "accountId")
	if account != nil && account.Value.Compare(ast.String("")) != 0 {
		if s, ok := r.checkString("request.resource.accountId", account.Value); ok && !accountID.MatchString(s) && !IsUnknown(s) {
			r.report("request.resource.accountId", "%s is not an account id, expected 12 digits", shorten(s))
		}
	} else if inARN := AccountOf(arn); inARN != "" {
		account = ast.StringTerm(inARN)
	} else if !known {
		account = ast.StringTerm(unknownString)
	} else {
		r.report("request.resource.accountId", "is missing, and the ARN %s does not tell the account that owns the resource", shorten(arn))
		return nil
	}
	return ast.NewObject([2]*ast.Term{word("resource"), term}, [2]*ast.Term{word("accountId"), account})
}

// AccountOf is the account that an ARN names, empty where it names none, as those of S3 buckets and objects do.
func AccountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || !accountID.MatchString(parts[4]) {
		return ""
	}
	return parts[4]
}

// ResourcePolicyKind is the kind of policy that the resource with this ARN has: a trust policy for a role.
func ResourcePolicyKind(arn string) Kind {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" && strings.HasPrefix(parts[5], "role/") {
		return TrustPolicy
	}
	return ResourcePolicy
}

// checkContext checks the context of a request and returns it with all values as strings.
func (r *caseReader) checkContext(value ast.Value) ast.Object {
	context, ok := value.(ast.Object)
	if !ok {
		r.report("request.context", "is %s, expected an object of condition keys and their values", describe(value))
		return ast.NewObject()
	}
	changed := false
	pairs := make([][2]*ast.Term, 0, context.Len())
	var seen map[string]bool
	if context.Len() > 1 {
		seen = make(map[string]bool, context.Len())
	}
	context.Foreach(func(key, value *ast.Term) {
		name := string(key.Value.(ast.String))
		at := "request.context." + name
		if name == "" {
			r.report("request.context", "has a condition key without a name")
		}
		if seen != nil {
			// AWS does not tell keys apart by letter case, so the second would silently win or lose.
			folded := strings.ToLower(name)
			if seen[folded] {
				r.report(at, "is given twice: condition keys are not case-sensitive")
			}
			seen[folded] = true
		}
		text := r.contextValue(at, value)
		changed = changed || text != value
		pairs = append(pairs, [2]*ast.Term{key, text})
	})
	if !changed {
		return context
	}
	return ast.NewObject(pairs...)
}

// contextValue is a value of the context as the term of a string or of an array of strings.
func (r *caseReader) contextValue(at string, term *ast.Term) *ast.Term {
	switch value := term.Value.(type) {
	case ast.String:
		return term
	case ast.Boolean:
		return word(strconv.FormatBool(bool(value)))
	case ast.Number:
		return ast.StringTerm(string(value))
	case *ast.Array:
		changed := false
		elements := make([]*ast.Term, value.Len())
		for i := range elements {
			element := value.Elem(i)
			if _, nested := element.Value.(*ast.Array); nested {
				r.report(fmt.Sprintf("%s[%d]", at, i), "is an array, expected a string")
				continue
			}
			elements[i] = r.contextValue(fmt.Sprintf("%s[%d]", at, i), element)
			changed = changed || elements[i] != element
		}
		if !changed || slices.Contains(elements, nil) {
			return term
		}
		return ast.ArrayTerm(elements...)
	default:
		r.report(at, "is %s, expected a string or an array of strings", describe(value))
		return term
	}
}

func (r *caseReader) checkMembers(object ast.Object, prefix string, names []string) {
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
		if name := string(key.Value.(ast.String)); !slices.Contains(names, name) {
			at := shorten(name)
			if prefix != "" {
				at = prefix + "." + at
			}
			r.report(at, "unknown key, expected one of %s", strings.Join(names, ", "))
		}
	})
}

func (r *caseReader) checkString(key string, value ast.Value) (string, bool) {
	s, ok := value.(ast.String)
	if !ok {
		r.report(key, "is %s, expected a string", describe(value))
	}
	return string(s), ok
}

// question turns a Case into what readCase makes of the same case in JSON.
func (c Case) question() (question, error) {
	r := caseReader{}
	q := question{id: &c.ID}
	q.request = r.checkRequest(ast.NewObject(
		[2]*ast.Term{word("principal"), ast.StringTerm(c.Request.Principal)},
		[2]*ast.Term{word("action"), ast.StringTerm(c.Request.Action)},
		[2]*ast.Term{word("resource"), ast.ObjectTerm(
			[2]*ast.Term{word("resource"), ast.StringTerm(c.Request.Resource.ARN)},
			[2]*ast.Term{word("accountId"), ast.StringTerm(c.Request.Resource.AccountID)},
		)},
		[2]*ast.Term{word("context"), r.contextTerm(c.Request.Context)},
	))
	q.identity = documentsOf(IdentityPolicy, c.IdentityPolicies, "")
	q.boundary = documentsOf(PermissionsBoundary, c.PermissionBoundaries, "")
	q.resource = documentOf(ResourcePolicy, c.ResourcePolicy)
	q.session = documentOf(SessionPolicy, c.SessionPolicy)
	q.scp = levelsOf(ServiceControlPolicy, c.SCPs)
	q.rcp = levelsOf(ResourceControlPolicy, c.RCPs)
	q.setResourceKind()
	if len(r.problems) > 0 {
		return q, r.problems
	}
	return q, nil
}

func documentsOf(kind Kind, policies []NamedPolicy, level string) []document {
	documents := make([]document, len(policies))
	for i, policy := range policies {
		documents[i] = document{kind: kind, name: policy.Name, level: level, text: policy.Policy}
	}
	return documents
}

func documentOf(kind Kind, text json.RawMessage) []document {
	if text == nil || string(text) == "null" {
		return nil
	}
	return []document{{kind: kind, name: string(kind), text: text}}
}

func levelsOf(kind Kind, given []Level) []level {
	levels := make([]level, len(given))
	for i, l := range given {
		levels[i] = level{name: l.OrgIdentifier, documents: documentsOf(kind, l.Policies, l.OrgIdentifier)}
	}
	return levels
}

func (r *caseReader) contextTerm(context map[string]any) *ast.Term {
	pairs := make([][2]*ast.Term, 0, len(context))
	for key, value := range context {
		var term *ast.Term
		switch value := value.(type) {
		case string:
			term = ast.StringTerm(value)
		case []string:
			elements := make([]*ast.Term, len(value))
			for i, element := range value {
				elements[i] = ast.StringTerm(element)
			}
			term = ast.ArrayTerm(elements...)
		default:
			converted, err := ast.InterfaceToValue(value)
			if err != nil {
				r.report("request.context."+key, "is a %T, expected a string or a []string", value)
				continue
			}
			term = ast.NewTerm(converted)
		}
		pairs = append(pairs, [2]*ast.Term{ast.StringTerm(key), term})
	}
	return ast.ObjectTerm(pairs...)
}
