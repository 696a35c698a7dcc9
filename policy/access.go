package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Access is what stacks tell of who may do what: their roles with all that is attached to them, their buckets, keys and endpoints.
type Access struct {
	resources   []stackResource
	attachments []Attachment
	byURN       map[string]*stackResource
	// roles are the roles by their names; a name can be there once for each account.
	roles map[string][]*stackResource
	// managed are the managed policies by their ARNs and by their URNs.
	managed map[string]Attachment
	// regions are the regions of each stack.
	regions map[string][]string
	rules   *Rules
}

// stackResource is a resource as data.pulumi.stacks shows it.
type stackResource struct {
	Stack   string `json:"stack"`
	URN     string `json:"urn"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Account string `json:"account"`
	// Partition is aws but for AWS's other clouds.
	Partition string         `json:"partition"`
	Inputs    map[string]any `json:"inputs"`
	Outputs   struct {
		ARN      any `json:"arn"`
		UniqueID any `json:"uniqueId"`
	} `json:"outputs"`
	// Dependencies are the URNs that an input comes from.
	Dependencies map[string][]string `json:"dependencies"`
	// Trigger is what replaces the resource when it changes.
	Trigger any `json:"trigger"`
}

// Access finds in stacks what has a say in a request. The files are those that ReadStack reads. A preview that does not show all that will
// be there is an error.
func (r *Rules) Access(ctx context.Context, files ...File) (*Access, error) {
	input, err := filesValue(files)
	if err != nil {
		return nil, err
	}
	answer, err := r.ask(ctx, r.access, input)
	if err != nil {
		return nil, err
	}
	var found struct {
		Resources   []stackResource
		Attachments []Attachment
		Incomplete  [][2]string
		Regions     [][2]string
	}
	if err := answer.read("found", &found); err != nil {
		return nil, err
	}
	if len(found.Incomplete) > 0 {
		return nil, fmt.Errorf("%s: %s", found.Incomplete[0][0], found.Incomplete[0][1])
	}
	access := &Access{
		resources: found.Resources, attachments: found.Attachments, byURN: map[string]*stackResource{},
		roles: map[string][]*stackResource{}, managed: map[string]Attachment{}, regions: map[string][]string{}, rules: r,
	}
	for i := range access.resources {
		resource := &access.resources[i]
		access.byURN[resource.URN] = resource
		if resource.Type == "aws:iam/role:Role" {
			access.roles[resource.text("name")] = append(access.roles[resource.text("name")], resource)
		}
	}
	for _, a := range access.attachments {
		if resource := access.byURN[a.URN]; resource.Type == "aws:iam/policy:Policy" {
			access.managed[a.URN], access.managed[resource.arn("policy")] = a, a
		}
	}
	for _, pair := range found.Regions {
		access.regions[pair[0]] = append(access.regions[pair[0]], pair[1])
	}
	return access, nil
}

// text is an input that is a text: the mark of an unknown value where it is not shown, and empty where there is none.
func (r *stackResource) text(input string) string {
	switch value := r.Inputs[input].(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		return unknownString
	}
}

// texts is an input that is a list of texts.
func (r *stackResource) texts(input string) []string {
	switch value := r.Inputs[input].(type) {
	case nil:
		return nil
	case []any:
		return texts(value)
	default:
		return []string{unknownString}
	}
}

// arn is the ARN of a role or policy: as AWS has given it, or as it will be.
func (r *stackResource) arn(kind string) string {
	if arn, known := r.Outputs.ARN.(string); known && isARN(arn) {
		return arn
	}
	return "arn:" + r.Partition + ":iam::" + r.Account + ":" + kind + cmp.Or(r.text("path"), "/") + r.text("name")
}

// Question is one of the decisions that a request hangs on.
type Question struct {
	// About is empty for the request itself, and else what has to allow something besides: `the key arn:aws:kms:…`.
	About string
	Case  Case
}

// Decide answers the question. Where a policy that is not known leaves open how a request is denied, but could in no way allow it, the
// request is denied.
func (q Question) Decide(ctx context.Context, engine *Engine) (Result, error) {
	result, err := engine.Decide(ctx, q.Case)
	if err != nil || result.Decision != Undetermined {
		return result, err
	}
	generous := q.Case
	generous.IdentityPolicies = slices.Clone(q.Case.IdentityPolicies)
	generous.PermissionBoundaries = slices.Clone(q.Case.PermissionBoundaries)
	for _, policies := range [][]NamedPolicy{generous.IdentityPolicies, generous.PermissionBoundaries} {
		for i := range policies {
			if IsUnknownPolicy(policies[i].Policy) {
				policies[i].Policy = anything
			}
		}
	}
	if IsUnknownPolicy(generous.ResourcePolicy) {
		generous.ResourcePolicy = soleStatement(map[string]any{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
	}
	if best, err := engine.Decide(ctx, generous); err != nil || best.Decision != ImplicitlyDenied {
		return result, err
	}
	result.Decision = ImplicitlyDenied
	return result, nil
}

// Questions puts a request to the stacks: it adds to the case every policy that they have for it. All answers have to be Allowed. What
// the case has of policies besides stays; a resource policy and a boundary of its own stand in for those of the stacks, and an identity
// policy whose name is an ARN is what is attached by that ARN. implied is what the principal, its network and the resource imply of the
// request's context, which is added.
//
// What the stacks do not show is not assumed: its place is taken by a policy that is not known, which makes every answer Undetermined that
// hangs on it, and a note says so. Notes also say what no policy shows.
func (a *Access) Questions(ctx context.Context, asked Case) (questions []Question, implied, notes []string, err error) {
	q := asking{Access: a, Case: asked}
	if err := q.resource(ctx); err != nil {
		return nil, nil, nil, err
	}
	q.principal()
	q.Request.Context = maps.Clone(asked.Request.Context)
	if q.Request.Context == nil {
		q.Request.Context = map[string]any{}
	}
	facts := ImpliedContext(q.Request.Principal, q.Request.Resource)
	if q.role != nil {
		facts["aws:PrincipalArn"] = q.role.arn("role")
	}
	maps.Copy(facts, q.network())
	for key, value := range facts {
		if !HasContextKey(q.Request.Context, key) {
			q.Request.Context[key] = value
			implied = append(implied, key)
		}
	}
	slices.Sort(implied)
	q.questions = append([]Question{{Case: q.Case}}, q.questions...)
	q.sameRole()
	q.key()
	q.endpoints()
	if len(q.SCPs) == 0 && len(q.RCPs) == 0 {
		q.note("No stack shows the policies of an organization: SCPs and RCPs count as absent unless --scp and --rcp give them.")
	}
	return q.questions, implied, q.notes, nil
}

// HasContextKey looks a condition key up as AWS does, regardless of letter case.
func HasContextKey(context map[string]any, key string) bool {
	for given := range context {
		if strings.EqualFold(given, key) {
			return true
		}
	}
	return false
}

// asking is a request on its way to its questions.
type asking struct {
	*Access
	Case
	role      *stackResource // of the principal, nil where the stacks have none
	bucket    *stackResource // of the resource
	questions []Question
	notes     []string
}

func (q *asking) note(format string, args ...any) {
	q.notes = append(q.notes, fmt.Sprintf(format, args...))
}

// anything is the most that an identity policy can allow.
var anything = soleStatement(map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"})

// soleStatement is a policy with one statement.
func soleStatement(of map[string]any) json.RawMessage {
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": of}) // Texts do not fail.
	return text
}

// policyText is the text of a policy, where it is shown. What is wrong with it, the evaluator tells.
func policyText(text any) json.RawMessage {
	shown, isText := text.(string)
	if !isText || IsUnknown(shown) {
		return UnknownPolicy()
	}
	return json.RawMessage(shown)
}

// roleName is the account and the name of the role that a principal is, or is a session of.
var roleName = regexp.MustCompile(`^arn:[^:]*:(?:iam::(\d{12}):role/(?:.*/)?([^/]+)|sts::(\d{12}):assumed-role/([^/]+)/.*)$`)

func (a *Access) roleOf(principal string) (found *stackResource, account, name string) {
	match := roleName.FindStringSubmatch(principal)
	if match == nil {
		return nil, "", ""
	}
	account, name = match[1]+match[3], match[2]+match[4]
	for _, role := range a.roles[name] {
		if role.Account == account || role.Account == "" {
			return role, account, name
		}
	}
	return nil, account, name
}

// principal adds the principal's own policies.
func (q *asking) principal() {
	principal := q.Request.Principal
	role, account, name := q.roleOf(principal)
	if q.role = role; role == nil {
		// A service and a caller without a name have no policies of their own.
		if len(q.IdentityPolicies) > 0 || !isARN(principal) && !accountID.MatchString(principal) {
			return
		}
		q.IdentityPolicies = []NamedPolicy{{Name: "of the principal", Policy: UnknownPolicy()}}
		if name == "" {
			q.note("These files do not have the policies of %s: what they allow is not known, unless --identity gives them.", principal)
			return
		}
		q.note("These files have no role %s in account %s (they have: %s): what its policies allow is not known, unless --identity gives them.",
			name, account, listed(q.roleARNs()))
		return
	}
	given := q.IdentityPolicies
	q.IdentityPolicies = nil
	for _, policy := range given {
		if !isARN(policy.Name) {
			q.IdentityPolicies = append(q.IdentityPolicies, policy)
		}
	}
	for _, a := range q.attachments {
		// A policy whose role is not known yet may be this role's.
		if a.Kind != "identity" || q.byURN[a.URN].Account != role.Account {
			continue
		}
		belongsTo, isText := a.Role.(string)
		open := !isText || IsUnknown(belongsTo)
		if owner := q.byURN[a.URN]; belongsTo == name || open && slices.Contains(owner.Dependencies["role"], role.URN) {
			q.IdentityPolicies = append(q.IdentityPolicies, NamedPolicy{Name: owner.Name, Policy: policyText(a.Text)})
		}
	}
	for _, by := range q.attachedTo(role) {
		q.IdentityPolicies = append(q.IdentityPolicies, q.managedPolicy(by, given))
	}
	if boundary := role.text("permissionsBoundary"); boundary != "" && len(q.PermissionBoundaries) == 0 {
		by := reference{boundary, role.Dependencies["permissionsBoundary"]}
		q.PermissionBoundaries = []NamedPolicy{q.managedPolicy(by, given)}
	}
}

func (a *Access) roleARNs() []string {
	var arns []string
	for _, roles := range a.roles {
		for _, role := range roles {
			arns = append(arns, role.arn("role"))
		}
	}
	return arns
}

// listed is a list as a sentence ends with it: sorted, and not too long.
func listed(names []string) string {
	const limit = 5
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > limit:
		return strings.Join(slices.Sorted(slices.Values(names))[:limit], ", ") + fmt.Sprintf(" and %d more", len(names)-limit)
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// reference names a managed policy: by its ARN and, where that is not known yet, by what the ARN comes from.
type reference struct {
	arn  string
	from []string
}

// attachedTo are the managed policies of a role.
func (a *Access) attachedTo(role *stackResource) (attached []reference) {
	name := role.text("name")
	for _, arn := range role.texts("managedPolicyArns") {
		attached = append(attached, reference{arn, role.Dependencies["managedPolicyArns"]})
	}
	for i := range a.resources {
		resource := &a.resources[i]
		var names []string
		var property string
		switch resource.Type {
		case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
			names, property = []string{resource.text("role")}, "role"
		case "aws:iam/policyAttachment:PolicyAttachment":
			names, property = resource.texts("roles"), "roles"
		default:
			continue
		}
		ofRole := slices.Contains(names, name) ||
			slices.ContainsFunc(names, IsUnknown) && slices.Contains(resource.Dependencies[property], role.URN)
		if ofRole && resource.Account == role.Account {
			attached = append(attached, reference{resource.text("policyArn"), resource.Dependencies["policyArn"]})
		}
	}
	return attached
}

// managedPolicy is a managed policy: one of the stacks, or one that was given by its ARN, or one that is not known.
func (q *asking) managedPolicy(by reference, given []NamedPolicy) NamedPolicy {
	if IsUnknown(by.arn) {
		for _, urn := range by.from {
			if a, found := q.managed[urn]; found {
				return NamedPolicy{Name: q.byURN[urn].Name, Policy: policyText(a.Text)}
			}
		}
		q.note("A managed policy is attached to the role whose ARN is not known yet: what it says is not known.")
		return NamedPolicy{Name: "attached by an unknown ARN", Policy: UnknownPolicy()}
	}
	if a, found := q.managed[by.arn]; found {
		return NamedPolicy{Name: q.byURN[a.URN].Name, Policy: policyText(a.Text)}
	}
	if i := slices.IndexFunc(given, func(policy NamedPolicy) bool { return policy.Name == by.arn }); i >= 0 {
		return given[i]
	}
	q.note("%s is attached to the role, and is not in these files: what it says is not known, unless --identity %s=FILE gives it.",
		by.arn, by.arn)
	return NamedPolicy{Name: by.arn, Policy: UnknownPolicy()}
}
