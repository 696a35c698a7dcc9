package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cross-account-s3/policy"
)

// Role is an IAM role.
type Role struct {
	Account string
	Name    string
	// Path begins and ends with a slash.
	Path string
	ARN  string
	// UniqueID is AROA…; a role that is made again under the same name has another one.
	UniqueID    string
	Created     time.Time
	Description string
	// MaxSessionDuration is in seconds.
	MaxSessionDuration int
	// TrustPolicy says who may assume the role.
	TrustPolicy string
	// Policies are the inline policies by name.
	Policies map[string]string
	Tags     map[string]string
}

func (r *Role) copy() Role {
	result := *r
	result.Policies = maps.Clone(r.Policies)
	result.Tags = maps.Clone(r.Tags)
	return result
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
var (
	roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	rolePath = regexp.MustCompile(`^/([!-~]{1,510}/)?$`)
)

const (
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
	mostTrustPolicy  = 4096
	mostRolePolicies = 10240
)

// CreateRole makes a role of the account, name, path (default /), description, longest session (default 3600 seconds), trust policy
// and tags that the given one has. Errors are those of IAM's CreateRole.
func (w *World) CreateRole(role Role) (Role, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	role.Path = cmp.Or(role.Path, "/")
	role.MaxSessionDuration = cmp.Or(role.MaxSessionDuration, 3600)
	switch {
	case !w.knows(role.Account):
		return Role{}, refuse("InvalidClientTokenId", "the lab has no account %s", role.Account)
	case !roleName.MatchString(role.Name):
		return Role{}, refuse("ValidationError", "the role name %q is not 1 to 64 letters, digits and +=,.@-_", role.Name)
	case !rolePath.MatchString(role.Path):
		return Role{}, refuse("ValidationError", "the path %q does not begin and end with a slash", role.Path)
	}
	for _, other := range w.roles {
		if other.Account == role.Account && strings.EqualFold(other.Name, role.Name) {
			return Role{}, refuse("EntityAlreadyExists", "Role with name %s already exists.", role.Name)
		}
	}
	role.ARN = "arn:aws:iam::" + role.Account + ":role" + role.Path + role.Name
	if err := w.checkRole(&role); err != nil {
		return Role{}, err
	}
	role.UniqueID, role.Created, role.Policies = uniqueID("AROA"), w.now().UTC(), map[string]string{}
	stored := role.copy()
	w.roles[role.ARN] = &stored
	return stored.copy(), nil
}

// UpdateRole changes description, longest session, trust policy and tags of the role with the ARN of the given one.
func (w *World) UpdateRole(role Role) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	stored := w.roles[role.ARN]
	if stored == nil {
		return noRole(role.ARN)
	}
	if err := w.checkRole(&role); err != nil {
		return err
	}
	stored.Description, stored.MaxSessionDuration = role.Description, cmp.Or(role.MaxSessionDuration, 3600)
	stored.TrustPolicy, stored.Tags = role.TrustPolicy, maps.Clone(role.Tags)
	return nil
}

func (w *World) checkRole(role *Role) error {
	if len(role.TrustPolicy) > mostTrustPolicy {
		return refuse("LimitExceeded", "the trust policy of role %s has %d characters, and IAM takes %d",
			role.Name, len(role.TrustPolicy), mostTrustPolicy)
	}
	if _, err := policy.ReadDocument(policy.TrustPolicy, role.Name, []byte(role.TrustPolicy)); err != nil {
		return refuse("MalformedPolicyDocument", "%v", err)
	}
	if _, err := w.bind(role.TrustPolicy); err != nil {
		return refuse("MalformedPolicyDocument", "Invalid principal in policy: %v", err)
	}
	return nil
}

// DeleteRole deletes a role that has no policies.
func (w *World) DeleteRole(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	role := w.roles[arn]
	switch {
	case role == nil:
		return noRole(arn)
	case len(role.Policies) > 0:
		return refuse("DeleteConflict", "Cannot delete entity, must delete policies first: role %s has the inline policies %s.",
			role.Name, strings.Join(slices.Sorted(maps.Keys(role.Policies)), ", "))
	}
	delete(w.roles, arn)
	return nil
}

// Role is the role with this ARN.
func (w *World) Role(arn string) (Role, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if role := w.roles[arn]; role != nil {
		return role.copy(), nil
	}
	return Role{}, noRole(arn)
}

// RoleNamed is the role of an account that has this name, whatever its path.
func (w *World) RoleNamed(account, name string) (Role, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	for _, role := range w.roles {
		if role.Account == account && role.Name == name {
			return role.copy(), nil
		}
	}
	return Role{}, noRole("arn:aws:iam::" + account + ":role/" + name)
}

func noRole(arn string) error {
	return refuse("NoSuchEntity", "The role %s cannot be found.", arn)
}

// PutRolePolicy adds an inline policy to a role, or replaces it.
func (w *World) PutRolePolicy(roleARN, name, document string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	role := w.roles[roleARN]
	if role == nil {
		return noRole(roleARN)
	}
	if _, err := policy.ReadDocument(policy.IdentityPolicy, name, []byte(document)); err != nil {
		return refuse("MalformedPolicyDocument", "%v", err)
	}
	total := len(document)
	for other, text := range role.Policies {
		if other != name {
			total += len(text)
		}
	}
	if total > mostRolePolicies {
		return refuse("LimitExceeded", "the inline policies of role %s have %d characters, and IAM takes %d", role.Name, total, mostRolePolicies)
	}
	role.Policies[name] = document
	return nil
}

// DeleteRolePolicy removes an inline policy from a role.
func (w *World) DeleteRolePolicy(roleARN, name string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	role := w.roles[roleARN]
	if role == nil {
		return noRole(roleARN)
	}
	if _, has := role.Policies[name]; !has {
		return refuse("NoSuchEntity", "The role policy with name %s cannot be found.", name)
	}
	delete(role.Policies, name)
	return nil
}

// Key is an access key of a role session.
type Key struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	// Principal is the ARN of the session.
	Principal string
	// Role is the ARN of its role, RoleID the unique id of it.
	Role   string
	RoleID string
	// Function is the ARN of the function whose code has the session; empty elsewhere.
	Function string
}

// Account is the account of the principal.
func (k Key) Account() string { return policy.AccountOf(k.Principal) }

// AssumeRole makes the access key of a new session of a role. Who may do that is not asked; see MayAssume.
func (w *World) AssumeRole(roleARN, sessionName string) (Key, error) {
	return w.assume(roleARN, sessionName, "")
}

// RunFunction is AssumeRole for the code of a function.
func (w *World) RunFunction(function Function) (Key, error) {
	return w.assume(function.Role, function.Name, function.ARN())
}

func (w *World) assume(roleARN, sessionName, functionARN string) (Key, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	role := w.roles[roleARN]
	if role == nil {
		return Key{}, noRole(roleARN)
	}
	key := Key{
		AccessKeyID:     uniqueID("LABK"),
		SecretAccessKey: rand.Text() + rand.Text(),
		SessionToken:    rand.Text() + rand.Text() + rand.Text(),
		Principal:       "arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/" + sessionName,
		Role:            role.ARN,
		RoleID:          role.UniqueID,
		Function:        functionARN,
	}
	w.keys[key.AccessKeyID] = key
	return key, nil
}

// Key is the access key with this id.
func (w *World) Key(accessKeyID string) (Key, bool) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	key, known := w.keys[accessKeyID]
	return key, known
}

// MayAssume decides whether a role lets a principal, as the service lambda.amazonaws.com, assume it.
func (w *World) MayAssume(ctx context.Context, principal, roleARN string) (policy.Result, error) {
	role, err := w.Role(roleARN)
	if err != nil {
		return policy.Result{Decision: policy.ImplicitlyDenied}, err
	}
	resource := policy.Resource{ARN: role.ARN, AccountID: role.Account}
	return w.decider.Decide(ctx, policy.Case{
		ID: principal,
		Request: policy.Request{
			Principal: principal, Action: "sts:AssumeRole", Resource: resource, Context: policy.ImpliedContext(principal, resource),
		},
		ResourcePolicy: []byte(role.TrustPolicy),
	})
}

// identityPolicies are the policies of a session's role, sorted by name; none where the role is gone, or is another one than that
// which the session was made for.
func (w *World) identityPolicies(key Key) []policy.NamedPolicy {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	role := w.roles[key.Role]
	if role == nil || role.UniqueID != key.RoleID {
		return nil
	}
	var policies []policy.NamedPolicy
	for _, name := range slices.Sorted(maps.Keys(role.Policies)) {
		policies = append(policies, policy.NamedPolicy{Name: name, Policy: []byte(role.Policies[name])})
	}
	return policies
}
