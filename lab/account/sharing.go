package account

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"cross-account-s3/policy"
)

// sharing is what an account tells others: parameters of Systems Manager, resource shares of AWS RAM, and secrets of Secrets Manager.
type sharing struct {
	parameters map[string]*Parameter     // by ARN
	shares     map[string]*ResourceShare // by ARN
	secrets    map[string]*Secret        // by ARN
}

func newSharing() sharing {
	return sharing{map[string]*Parameter{}, map[string]*ResourceShare{}, map[string]*Secret{}}
}

func (s *sharing) arns() []string {
	return slices.Concat(slices.Collect(maps.Keys(s.parameters)), slices.Collect(maps.Keys(s.shares)), slices.Collect(maps.Keys(s.secrets)))
}

// Parameter is a parameter of Systems Manager, of the type String.
type Parameter struct {
	Account, Region string
	// Name begins with a slash where it has one in it.
	Name        string
	Description string
	// Advanced says that it is of the advanced tier, the only one that can be shared.
	Advanced bool
	Value    string
	// Version counts how often it was written.
	Version int
	Tags    map[string]string
}

// ARN is the parameter's ARN, in which a slash at the beginning of the name stands once.
func (p *Parameter) ARN() string {
	return "arn:aws:ssm:" + p.Region + ":" + p.Account + ":parameter/" + strings.TrimPrefix(p.Name, "/")
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
var parameterName = regexp.MustCompile(`^(/[a-zA-Z0-9_.-]+){1,15}$|^[a-zA-Z0-9_.-]+$`)

// The longest values of the two tiers.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
const (
	mostStandardParameter = 4 << 10
	mostAdvancedParameter = 8 << 10
)

// PutParameter makes a parameter or writes it anew; one of the advanced tier cannot go back. Errors are those of PutParameter.
func (w *World) PutParameter(parameter Parameter, create bool) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	arn := parameter.ARN()
	before := w.parameters[arn]
	most := mostStandardParameter
	if parameter.Advanced {
		most = mostAdvancedParameter
	}
	switch {
	case !parameterName.MatchString(parameter.Name):
		return refuse("ValidationException", "%q is no name of a parameter: letters, digits and _.- between single slashes", parameter.Name)
	case parameter.Value == "" || len(parameter.Value) > most:
		return refuse("ValidationException", "the value of %s has %d characters, and has to have 1 to %d",
			parameter.Name, len(parameter.Value), most)
	case create && before != nil:
		return refuse("ParameterAlreadyExists", "The parameter already exists: %s", arn)
	case !create && before == nil:
		return noParameter(arn)
	case before != nil && before.Advanced && !parameter.Advanced:
		return refuse("ValidationException", "%s is of the advanced tier, and cannot be of the standard tier again", arn)
	}
	stored := parameter
	stored.Tags, stored.Version = maps.Clone(parameter.Tags), 1
	if before != nil {
		stored.Version = before.Version + 1
	}
	w.parameters[arn] = &stored
	return nil
}

// Parameter is the parameter with this ARN. Who may read it is not asked.
func (w *World) Parameter(arn string) (Parameter, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if parameter := w.parameters[arn]; parameter != nil {
		result := *parameter
		result.Tags = maps.Clone(parameter.Tags)
		return result, nil
	}
	return Parameter{}, noParameter(arn)
}

// DeleteParameter deletes a parameter, which is then in no share any more.
func (w *World) DeleteParameter(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.parameters[arn] == nil {
		return noParameter(arn)
	}
	delete(w.parameters, arn)
	for _, share := range w.shares {
		delete(share.Resources, arn)
	}
	return nil
}

func noParameter(arn string) error {
	return refuse("ParameterNotFound", "there is no parameter %s", arn)
}

// ResourceShare is a share of AWS RAM.
type ResourceShare struct {
	Account, Region string
	// ID is a UUID that RAM gives it.
	ID   string
	Name string
	// External says whether accounts outside of the organization can be invited.
	External bool
	Tags     map[string]string
	// Resources are the ARNs of what is shared.
	Resources map[string]bool
	// Principals are the accounts that it is shared with, and whether that is in force: an account of another organization is only
	// invited, until it accepts.
	Principals map[string]bool
}

// ARN is the share's ARN.
func (s *ResourceShare) ARN() string {
	return "arn:aws:ram:" + s.Region + ":" + s.Account + ":resource-share/" + s.ID
}

// CreateResourceShare makes a share with nothing in it.
func (w *World) CreateResourceShare(share ResourceShare) (ResourceShare, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	share.ID, share.Resources, share.Principals = uuid.NewString(), map[string]bool{}, map[string]bool{}
	stored := share
	w.shares[share.ARN()] = &stored
	return share, nil
}

// UpdateResourceShare changes name, tags, and whether others can be invited, of the share with the ARN of the given one.
func (w *World) UpdateResourceShare(share ResourceShare) error {
	return w.changeShare(share.ARN(), func(stored *ResourceShare) error {
		stored.Name, stored.External, stored.Tags = share.Name, share.External, maps.Clone(share.Tags)
		return nil
	})
}

func (w *World) changeShare(arn string, change func(*ResourceShare) error) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	share := w.shares[arn]
	if share == nil {
		return noShare(arn)
	}
	return change(share)
}

func noShare(arn string) error {
	return refuse("UnknownResourceException", "there is no resource share %s", arn)
}

// ResourceShare is the share with this ARN.
func (w *World) ResourceShare(arn string) (ResourceShare, error) {
	var result ResourceShare
	err := w.changeShare(arn, func(share *ResourceShare) error {
		result = *share
		result.Tags, result.Resources, result.Principals = maps.Clone(share.Tags), maps.Clone(share.Resources), maps.Clone(share.Principals)
		return nil
	})
	return result, err
}

// DeleteResourceShare deletes a share, so that nobody reads any more what was in it.
func (w *World) DeleteResourceShare(arn string) error {
	return w.changeShare(arn, func(*ResourceShare) error {
		delete(w.shares, arn)
		return nil
	})
}

// ShareResource puts a resource into a share of its account. The lab shares parameters, which have to be of the advanced tier.
//
// Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html#prereqs
func (w *World) ShareResource(shareARN, resourceARN string) error {
	return w.changeShare(shareARN, func(share *ResourceShare) error {
		parameter := w.parameters[resourceARN]
		switch {
		case parameter == nil || parameter.Account != share.Account:
			return refuse("UnknownResourceException", "account %s has no parameter %s", share.Account, resourceARN)
		case !parameter.Advanced:
			return refuse("OperationNotPermittedException", "%s is of the standard tier, and only the advanced one can be shared", resourceARN)
		}
		share.Resources[resourceARN] = true
		return nil
	})
}

// ShareWith shares with an account. That is in force at once within an organization, where the lab has sharing enabled; another
// account is invited, if the share allows it.
//
// Source: https://docs.aws.amazon.com/ram/latest/userguide/getting-started-sharing.html
func (w *World) ShareWith(shareARN, account string) error {
	return w.changeShare(shareARN, func(share *ResourceShare) error {
		within := w.organizations[account] != "" && w.organizations[account] == w.organizations[share.Account]
		switch {
		case !w.knows(account):
			return refuse("InvalidParameterException", "the lab has no account %s", account)
		case !within && !share.External:
			return refuse("OperationNotPermittedException", "The resource you are attempting to share can only be shared within your AWS "+
				"Organization: account %s is outside of it, and the share does not allow external principals", account)
		}
		share.Principals[account] = within
		return nil
	})
}

// AcceptShare accepts the invitation of an account to a share.
func (w *World) AcceptShare(shareARN, account string) error {
	return w.changeShare(shareARN, func(share *ResourceShare) error {
		if _, invited := share.Principals[account]; !invited {
			return refuse("ResourceShareInvitationArnNotFoundException", "account %s is not invited to %s", account, shareARN)
		}
		share.Principals[account] = true
		return nil
	})
}

// UnshareResource takes a resource out of a share; one that is not in it is an error.
func (w *World) UnshareResource(shareARN, resourceARN string) error {
	return w.changeShare(shareARN, func(share *ResourceShare) error { return takeOut(share.Resources, shareARN, resourceARN) })
}

// UnshareWith ends the sharing with an account; one that is not shared with is an error.
func (w *World) UnshareWith(shareARN, account string) error {
	return w.changeShare(shareARN, func(share *ResourceShare) error { return takeOut(share.Principals, shareARN, account) })
}

func takeOut(from map[string]bool, shareARN, what string) error {
	if _, has := from[what]; !has {
		return refuse("UnknownResourceException", "%s is not associated with %s", what, shareARN)
	}
	delete(from, what)
	return nil
}

// parameterActions are those of the permission that RAM gives a parameter's readers unless told otherwise.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html#sharing-permissions
var parameterActions = []string{"ssm:DescribeParameters", "ssm:GetParameter", "ssm:GetParameters"}

// sharedPolicy is the policy of a parameter, which RAM makes of its shares, or of a secret; none where nobody wrote one.
func (w *World) sharedPolicy(arn string) json.RawMessage {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if secret := w.secrets[arn]; secret != nil && secret.Policy != "" {
		return json.RawMessage(w.render(secret.Policy, secret.ids, deadPrincipal))
	}
	var accounts []string
	for _, share := range w.shares {
		for account, inForce := range share.Principals {
			if inForce && share.Resources[arn] {
				accounts = append(accounts, account)
			}
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	slices.Sort(accounts)
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Sid": "SharedByRAM", "Effect": "Allow", "Principal": map[string]any{"AWS": accounts}, "Action": parameterActions, "Resource": arn,
	}})
	if err != nil {
		return nil // Texts and lists of texts always have a JSON form.
	}
	return document
}

// Secret is a secret of Secrets Manager with one version.
type Secret struct {
	Account, Region string
	Name            string
	// Suffix is a hyphen and six characters, which Secrets Manager puts behind the name in the ARN.
	Suffix      string
	Description string
	// Key is the ARN of the KMS key that encrypts it.
	Key string
	// Policy says who may read it besides those whom the account's own policies let.
	Policy string
	// Value is what it tells, and VersionID the version; both are empty before the first.
	Value     string
	VersionID string
	Tags      map[string]string

	ids map[string]string // the unique ids behind the policy's principals, by ARN
}

// ARN is the secret's ARN.
func (s *Secret) ARN() string {
	return "arn:aws:secretsmanager:" + s.Region + ":" + s.Account + ":secret:" + s.Name + s.Suffix
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
var secretName = regexp.MustCompile(`^[a-zA-Z0-9/_+=.@-]{1,512}$`)

// CreateSecret makes a secret of the account, region, name, description, key and tags that the given one has, without a value.
func (w *World) CreateSecret(secret Secret) (Secret, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if !secretName.MatchString(secret.Name) {
		return Secret{}, refuse("ValidationException", "%q is no name of a secret", secret.Name)
	}
	for _, other := range w.secrets {
		if other.Account == secret.Account && other.Region == secret.Region && other.Name == secret.Name {
			return Secret{}, refuse("ResourceExistsException", "The operation failed because the secret %s already exists.", secret.Name)
		}
	}
	secret.Suffix = "-" + rand.Text()[:6]
	stored := Secret{
		Account: secret.Account, Region: secret.Region, Name: secret.Name, Suffix: secret.Suffix, Description: secret.Description,
		Key: secret.Key, Tags: maps.Clone(secret.Tags),
	}
	w.secrets[secret.ARN()] = &stored
	return stored, nil
}

// ChangeSecret changes a secret, whoever may. Its account, region and name stay; a policy that names a principal that does not exist is
// refused.
func (w *World) ChangeSecret(arn string, change func(*Secret)) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	secret := w.secrets[arn]
	if secret == nil {
		return noSecret(arn)
	}
	changed := *secret
	change(&changed)
	if changed.Policy != secret.Policy && changed.Policy != "" {
		if _, err := policy.ReadDocument(policy.ResourcePolicy, changed.Name, []byte(changed.Policy)); err != nil {
			return refuse("MalformedPolicyDocumentException", "%v", err)
		}
		ids, err := w.bind(changed.Policy)
		if err != nil {
			return refuse("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal: %v", err)
		}
		changed.ids = ids
	}
	if changed.Value != secret.Value {
		changed.VersionID = uuid.NewString()
	}
	changed.Account, changed.Region, changed.Name, changed.Suffix = secret.Account, secret.Region, secret.Name, secret.Suffix
	w.secrets[arn] = &changed
	return nil
}

// Secret is the secret with this ARN. Who may read it is not asked.
func (w *World) Secret(arn string) (Secret, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if secret := w.secrets[arn]; secret != nil {
		result := *secret
		result.Tags = maps.Clone(secret.Tags)
		result.Policy = w.render(secret.Policy, secret.ids, func(_, id string) string { return id })
		return result, nil
	}
	return Secret{}, noSecret(arn)
}

// DeleteSecret deletes a secret at once, without the days in which Secrets Manager could restore it.
func (w *World) DeleteSecret(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.secrets[arn] == nil {
		return noSecret(arn)
	}
	delete(w.secrets, arn)
	return nil
}

func noSecret(arn string) error {
	return refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret: %s", arn)
}
