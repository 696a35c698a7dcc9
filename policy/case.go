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

// readCase reads one case of the format that docs/evaluator.md describes, with every document in it, and returns it as the Rego modules take it:
// context values that are JSON booleans or numbers as their text, absent optional parts left out, and the resource's account taken from its ARN
// where the case does not tell it. The id is what the case says of itself, as far as it could be read; nil where it says nothing.
func readCase(line []byte) (id *string, input ast.Value, err error) {
	value, problem := readJSON(line)
	c := caseChecker{}
	if problem != nil {
		c.locate(value, problem)
	}
	if value == nil {
		return salvageID(line), nil, c.problems
	}
	if s, ok := lookup(value, nil, "id").(ast.String); ok {
		id = (*string)(&s)
	}
	if input = c.check(value); len(c.problems) > 0 {
		return id, nil, c.problems
	}
	return id, input, nil
}

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

// caseChecker walks a case and collects what is wrong with it.
type caseChecker struct {
	problems MalformedError
}

func (c *caseChecker) report(key, format string, args ...any) {
	c.problems = append(c.problems, &DocumentError{
		Document: "case", Statement: -1, Key: key, Problem: fmt.Sprintf(format, args...),
	})
}

// documentPointer matches the place of a policy document within a case.
var documentPointer = regexp.MustCompile(
	`^/(resourcePolicy|sessionPolicy|(identityPolicies|permissionBoundaries|scps|rcps)/(\d+)(?:/policies/(\d+))?/policy)(/.*)?$`)

// locate reports a problem of the JSON text under the name of the document that it lies in.
func (c *caseChecker) locate(root ast.Value, problem *jsonError) {
	match := documentPointer.FindStringSubmatch(string(problem.pointer))
	if match == nil {
		c.report(dotted(problem.pointer), "%s", problem.problem)
		return
	}
	var path []string
	for part := range strings.SplitSeq(strings.TrimSuffix(match[0], match[5])[1:], "/") {
		path = append(path, part)
	}
	kind := map[string]Kind{
		"resourcePolicy": ResourcePolicy, "sessionPolicy": SessionPolicy, "identityPolicies": IdentityPolicy,
		"permissionBoundaries": PermissionsBoundary, "scps": ServiceControlPolicy, "rcps": ResourceControlPolicy,
	}[path[0]]
	document := documentChecker(kind, lookup(root, path[:len(path)-1], "name"), lookup(root, path[:min(2, len(path))], "orgIdentifier"))
	inside := *problem
	inside.pointer = problem.pointer[len(problem.pointer)-len(match[5]):]
	document.locate(lookup(root, path, ""), &inside)
	c.problems = append(c.problems, document.problems...)
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

// documentChecker is a checker that calls the document by its name and level, where they are known.
func documentChecker(kind Kind, name, level ast.Value) *checker {
	c := &checker{document: string(kind), kind: kind, statement: -1}
	if s, ok := name.(ast.String); ok {
		c.document = documentName(kind, string(s))
	}
	if s, ok := level.(ast.String); ok {
		c.document += " of level " + shorten(string(s))
	}
	return c
}

// check checks the whole case and returns what the Rego modules take.
func (c *caseChecker) check(value ast.Value) ast.Value {
	root, ok := value.(ast.Object)
	if !ok {
		c.report("", "is %s, expected an object with request and identityPolicies", describe(value))
		return nil
	}
	c.checkMembers(root, "", caseMembers)
	if id := root.Get(word("id")); id != nil {
		c.checkString("id", id.Value)
	}

	pairs := make([][2]*ast.Term, 0, root.Len())
	keep := func(name string, term *ast.Term) { pairs = append(pairs, [2]*ast.Term{word(name), term}) }
	if id := root.Get(word("id")); id != nil {
		keep("id", id)
	}
	resourceKind := ResourcePolicy
	if request := root.Get(word("request")); request == nil {
		c.report("request", "is missing")
	} else if request := c.checkRequest(request.Value); request != nil {
		keep("request", ast.NewTerm(request))
		if arn, ok := lookup(request, []string{"resource"}, "resource").(ast.String); ok {
			resourceKind = ResourcePolicyKind(string(arn))
		}
	}
	if policies := root.Get(word("identityPolicies")); policies == nil {
		c.report("identityPolicies", "is missing, expected an array of policies (which may be empty)")
	} else {
		c.checkNamed("identityPolicies", IdentityPolicy, policies.Value, nil)
		keep("identityPolicies", policies)
	}
	if boundaries := optional(root, "permissionBoundaries"); boundaries != nil {
		c.checkNamed("permissionBoundaries", PermissionsBoundary, boundaries.Value, nil)
		keep("permissionBoundaries", boundaries)
	}
	if policy := optional(root, "resourcePolicy"); policy != nil {
		c.checkDocument(resourceKind, policy.Value, nil, nil)
		keep("resourcePolicy", policy)
	}
	if policy := optional(root, "sessionPolicy"); policy != nil {
		c.checkDocument(SessionPolicy, policy.Value, nil, nil)
		keep("sessionPolicy", policy)
	}
	if levels := optional(root, "scps"); levels != nil {
		c.checkLevels("scps", ServiceControlPolicy, levels.Value)
		keep("scps", levels)
	}
	if levels := optional(root, "rcps"); levels != nil {
		c.checkLevels("rcps", ResourceControlPolicy, levels.Value)
		keep("rcps", levels)
	}
	return ast.NewObject(pairs...)
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

func (c *caseChecker) checkRequest(value ast.Value) ast.Object {
	request, ok := value.(ast.Object)
	if !ok {
		c.report("request", "is %s, expected an object with %s", describe(value), strings.Join(requestMembers, ", "))
		return nil
	}
	c.checkMembers(request, "request", requestMembers)

	pairs := make([][2]*ast.Term, 0, len(requestMembers))
	for _, part := range [...]struct {
		name  string
		check func(key, value string)
	}{{"principal", c.checkPrincipal}, {"action", c.checkAction}} {
		key := "request." + part.name
		term := request.Get(word(part.name))
		if term == nil {
			c.report(key, "is missing")
			continue
		}
		if s, ok := c.checkString(key, term.Value); ok && !IsUnknown(s) {
			part.check(key, s)
		}
		pairs = append(pairs, [2]*ast.Term{word(part.name), term})
	}
	if resource := request.Get(word("resource")); resource == nil {
		c.report("request.resource", `is missing, expected an object with "resource" (an ARN) and "accountId"`)
	} else if resource := c.checkResource(resource.Value); resource != nil {
		pairs = append(pairs, [2]*ast.Term{word("resource"), ast.NewTerm(resource)})
	}
	context := ast.NewObject()
	if given := optional(request, "context"); given != nil {
		context = c.checkContext(given.Value)
	}
	pairs = append(pairs, [2]*ast.Term{word("context"), ast.NewTerm(context)})
	return ast.NewObject(pairs...)
}

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	// principalARN: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
	principalARN = regexp.MustCompile(`^arn:[a-z-]+:(iam|sts)::[0-9]{12}:(root|(user|role|assumed-role|federated-user)/.+)$`)
	hostName     = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	requestName  = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9]+$`)
)

func (c *caseChecker) checkPrincipal(key, value string) {
	switch {
	case value == "anonymous", value == "*":
	case accountID.MatchString(value), principalARN.MatchString(value), hostName.MatchString(value):
	default:
		c.report(key, "%s is no principal, expected the ARN of a role session, role, user, federated user or account root, an account id, "+
			`a service as in "lambda.amazonaws.com", or "anonymous"`, shorten(value))
	}
}

func (c *caseChecker) checkAction(key, value string) {
	if !requestName.MatchString(value) {
		c.report(key, `%s is not one action, expected service:Name as in "s3:GetObject"`, shorten(value))
	}
}

// checkResource checks the resource of a request and returns it with its account.
func (c *caseChecker) checkResource(value ast.Value) ast.Object {
	object, ok := value.(ast.Object)
	if !ok {
		c.report("request.resource", `is %s, expected an object with "resource" (an ARN) and "accountId"`, describe(value))
		return nil
	}
	c.checkMembers(object, "request.resource", resourceMembers)
	arn, known := "", false
	term := object.Get(word("resource"))
	if term == nil {
		c.report("request.resource.resource", "is missing, expected an ARN")
		return nil
	}
	if s, ok := c.checkString("request.resource.resource", term.Value); ok {
		arn, known = s, !IsUnknown(s)
		if known && arn != "*" && !isARN(arn) {
			c.report("request.resource.resource", `%s is neither an ARN (arn:partition:service:region:account:resource) nor "*"`, shorten(arn))
		}
	}
	account := optional(object, "accountId")
	if account != nil && account.Value.Compare(ast.String("")) != 0 {
		if s, ok := c.checkString("request.resource.accountId", account.Value); ok && !accountID.MatchString(s) && !IsUnknown(s) {
			c.report("request.resource.accountId", "%s is not an account id, expected 12 digits", shorten(s))
		}
	} else if inARN := AccountOf(arn); inARN != "" {
		account = ast.StringTerm(inARN)
	} else if !known {
		account = ast.StringTerm(unknownString)
	} else {
		c.report("request.resource.accountId", "is missing, and the ARN %s does not tell the account that owns the resource", shorten(arn))
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
func (c *caseChecker) checkContext(value ast.Value) ast.Object {
	context, ok := value.(ast.Object)
	if !ok {
		c.report("request.context", "is %s, expected an object of condition keys and their values", describe(value))
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
			c.report("request.context", "has a condition key without a name")
		}
		if seen != nil {
			// AWS does not tell keys apart by letter case, so the second would silently win or lose.
			folded := strings.ToLower(name)
			if seen[folded] {
				c.report(at, "is given twice: condition keys are not case-sensitive")
			}
			seen[folded] = true
		}
		text := c.contextValue(at, value)
		changed = changed || text != value
		pairs = append(pairs, [2]*ast.Term{key, text})
	})
	if !changed {
		return context
	}
	return ast.NewObject(pairs...)
}

// contextValue is a value of the context as the term of a string or of an array of strings.
func (c *caseChecker) contextValue(at string, term *ast.Term) *ast.Term {
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
				c.report(fmt.Sprintf("%s[%d]", at, i), "is an array, expected a string")
				continue
			}
			elements[i] = c.contextValue(fmt.Sprintf("%s[%d]", at, i), element)
			changed = changed || elements[i] != element
		}
		if !changed || slices.Contains(elements, nil) {
			return term
		}
		return ast.ArrayTerm(elements...)
	default:
		c.report(at, "is %s, expected a string or an array of strings", describe(value))
		return term
	}
}

// checkNamed checks an array of {"name", "policy"}; level is the name of the organization's level that they are attached to, if any.
func (c *caseChecker) checkNamed(key string, kind Kind, value, level ast.Value) {
	policies, ok := value.(*ast.Array)
	if !ok {
		c.report(key, `is %s, expected an array of {"name", "policy"}`, describe(value))
		return
	}
	for i := range policies.Len() {
		c.checkNamedPolicy(fmt.Sprintf("%s[%d]", key, i), kind, policies.Elem(i).Value, level)
	}
}

func (c *caseChecker) checkNamedPolicy(key string, kind Kind, value, level ast.Value) {
	named, ok := value.(ast.Object)
	if !ok {
		c.report(key, `is %s, expected an object with "name" and "policy"`, describe(value))
		return
	}
	c.checkMembers(named, key, namedMembers)
	var name ast.Value
	if term := named.Get(word("name")); term == nil {
		c.report(key+".name", "is missing")
	} else {
		name = term.Value
		c.checkString(key+".name", name)
	}
	if policy := named.Get(word("policy")); policy == nil {
		c.report(key+".policy", "is missing")
	} else {
		c.checkDocument(kind, policy.Value, name, level)
	}
}

// checkLevels checks SCPs or RCPs: one level when flat, or an array of {"orgIdentifier", "policies"}.
func (c *caseChecker) checkLevels(key string, kind Kind, value ast.Value) {
	elements, ok := value.(*ast.Array)
	if !ok {
		c.report(key, `is %s, expected an array of {"name", "policy"}, or of {"orgIdentifier", "policies"} for several levels`, describe(value))
		return
	}
	flat, levels := 0, 0
	for i := range elements.Len() {
		at := fmt.Sprintf("%s[%d]", key, i)
		element, ok := elements.Elem(i).Value.(ast.Object)
		if !ok {
			c.report(at, `is %s, expected an object with "name" and "policy", or with "orgIdentifier" and "policies"`,
				describe(elements.Elem(i).Value))
			continue
		}
		if element.Get(word("orgIdentifier")) == nil && element.Get(word("policies")) == nil {
			flat++
			c.checkNamedPolicy(at, kind, element, nil)
			continue
		}
		levels++
		c.checkMembers(element, at, levelMembers)
		var level ast.Value
		if term := element.Get(word("orgIdentifier")); term == nil {
			c.report(at+".orgIdentifier", "is missing")
		} else {
			level = term.Value
			c.checkString(at+".orgIdentifier", level)
		}
		if policies := element.Get(word("policies")); policies == nil {
			c.report(at+".policies", "is missing")
		} else {
			c.checkNamed(at+".policies", kind, policies.Value, level)
		}
	}
	if flat > 0 && levels > 0 {
		c.report(key, `mixes policies ({"name", "policy"}) with levels ({"orgIdentifier", "policies"}), expected one of the two`)
	}
}

// checkDocument checks one of the case's documents. The empty object, which no service accepts, is how the case format writes a policy that
// says nothing.
func (c *caseChecker) checkDocument(kind Kind, value, name, level ast.Value) {
	if object, ok := value.(ast.Object); ok && object.Len() == 0 {
		return
	}
	document := documentChecker(kind, name, level)
	document.checkDocument(value)
	c.problems = append(c.problems, document.problems...)
}

func (c *caseChecker) checkMembers(object ast.Object, prefix string, names []string) {
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
			c.report(at, "unknown key, expected one of %s", strings.Join(names, ", "))
		}
	})
}

func (c *caseChecker) checkString(key string, value ast.Value) (string, bool) {
	s, ok := value.(ast.String)
	if !ok {
		c.report(key, "is %s, expected a string", describe(value))
	}
	return string(s), ok
}

// value turns a case into what readCase makes of the same case in JSON.
func (question Case) value() (ast.Value, error) {
	builder := caseBuilder{}
	request := question.Request
	root := [][2]*ast.Term{
		{word("id"), ast.StringTerm(question.ID)},
		{word("request"), ast.ObjectTerm(
			[2]*ast.Term{word("principal"), ast.StringTerm(request.Principal)},
			[2]*ast.Term{word("action"), ast.StringTerm(request.Action)},
			[2]*ast.Term{word("resource"), ast.ObjectTerm(
				[2]*ast.Term{word("resource"), ast.StringTerm(request.Resource.ARN)},
				[2]*ast.Term{word("accountId"), ast.StringTerm(request.Resource.AccountID)},
			)},
			[2]*ast.Term{word("context"), builder.context(request.Context)},
		)},
		{word("identityPolicies"), builder.named(IdentityPolicy, question.IdentityPolicies, nil)},
	}
	add := func(name string, term *ast.Term) {
		if term != nil {
			root = append(root, [2]*ast.Term{word(name), term})
		}
	}
	add("resourcePolicy", builder.document(ResourcePolicy, question.ResourcePolicy, nil, nil))
	add("sessionPolicy", builder.document(SessionPolicy, question.SessionPolicy, nil, nil))
	if len(question.PermissionBoundaries) > 0 {
		add("permissionBoundaries", builder.named(PermissionsBoundary, question.PermissionBoundaries, nil))
	}
	if len(question.SCPs) > 0 {
		add("scps", builder.levels(ServiceControlPolicy, question.SCPs))
	}
	if len(question.RCPs) > 0 {
		add("rcps", builder.levels(ResourceControlPolicy, question.RCPs))
	}
	c := caseChecker{problems: builder.problems}
	input := c.check(ast.NewObject(root...))
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return input, nil
}

// caseBuilder turns the parts of a Case into terms. What it cannot read it reports and replaces by the empty policy, so that the rest is still checked.
type caseBuilder struct {
	problems MalformedError
}

func (b *caseBuilder) document(kind Kind, text json.RawMessage, name, level ast.Value) *ast.Term {
	if text == nil {
		return nil
	}
	value, problem := readJSON(text)
	if problem != nil {
		document := documentChecker(kind, name, level)
		document.locate(value, problem)
		b.problems = append(b.problems, document.problems...)
		return ast.ObjectTerm()
	}
	return ast.NewTerm(value)
}

func (b *caseBuilder) named(kind Kind, policies []NamedPolicy, level ast.Value) *ast.Term {
	terms := make([]*ast.Term, len(policies))
	for i, policy := range policies {
		name := ast.StringTerm(policy.Name)
		text := policy.Policy
		if text == nil {
			text = json.RawMessage{}
		}
		terms[i] = ast.ObjectTerm(
			[2]*ast.Term{word("name"), name},
			[2]*ast.Term{word("policy"), b.document(kind, text, name.Value, level)},
		)
	}
	return ast.ArrayTerm(terms...)
}

func (b *caseBuilder) levels(kind Kind, levels []Level) *ast.Term {
	terms := make([]*ast.Term, len(levels))
	for i, level := range levels {
		name := ast.StringTerm(level.OrgIdentifier)
		terms[i] = ast.ObjectTerm(
			[2]*ast.Term{word("orgIdentifier"), name},
			[2]*ast.Term{word("policies"), b.named(kind, level.Policies, name.Value)},
		)
	}
	return ast.ArrayTerm(terms...)
}

func (b *caseBuilder) context(context map[string]any) *ast.Term {
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
				b.problems = append(b.problems, &DocumentError{
					Document: "case", Statement: -1, Key: "request.context." + key,
					Problem: fmt.Sprintf("is a %T, expected a string or a []string", value),
				})
				continue
			}
			term = ast.NewTerm(converted)
		}
		pairs = append(pairs, [2]*ast.Term{ast.StringTerm(key), term})
	}
	return ast.ObjectTerm(pairs...)
}
