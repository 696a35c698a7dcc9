package account

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"cross-account-s3/policy"
)

// KMSKey is a customer managed key of KMS, for symmetric encryption.
type KMSKey struct {
	Account     string
	Region      string
	ID          string // a UUID, which KMS gives it
	Description string
	Policy      string
	// Rotation says whether KMS makes new key material every year.
	Rotation bool
	Enabled  bool
	Tags     map[string]string

	ids map[string]string // the unique ids behind the policy's principals, by ARN
}

// ARN is the key's ARN.
func (k *KMSKey) ARN() string { return "arn:aws:kms:" + k.Region + ":" + k.Account + ":key/" + k.ID }

func (k *KMSKey) copy() KMSKey {
	result := *k
	result.Tags = maps.Clone(k.Tags)
	return result
}

// mostKeyPolicy is how many bytes a key policy may have.
// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
const mostKeyPolicy = 32 << 10

// defaultKeyPolicy leaves a key to the policies of its account.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func defaultKeyPolicy(account string) string {
	return `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}]}`
}

// CreateKMSKey makes a key of the account, region, description, policy, rotation and tags that the given one has, on behalf of the owner
// of the access key. Without a policy it has the default one; a policy with which the owner could not change it again is refused.
//
// Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
func (w *World) CreateKMSKey(ctx context.Context, by *Key, key KMSKey) (KMSKey, error) {
	key.ID, key.Enabled = uuid.NewString(), true
	if err := w.putKMSKey(ctx, by, key); err != nil {
		return KMSKey{}, err
	}
	return key, nil
}

// UpdateKMSKey changes description, policy, rotation, tags and whether it is enabled of the key with the ARN of the given one.
func (w *World) UpdateKMSKey(ctx context.Context, by *Key, key KMSKey) error {
	if _, err := w.KMSKey(key.ARN()); err != nil {
		return err
	}
	return w.putKMSKey(ctx, by, key)
}

func (w *World) putKMSKey(ctx context.Context, by *Key, key KMSKey) error {
	arn := key.ARN()
	if key.Policy == "" {
		key.Policy = defaultKeyPolicy(key.Account)
	}
	if len(key.Policy) > mostKeyPolicy {
		return refuse("LimitExceededException", "the key policy has %d bytes, and it may have %d", len(key.Policy), mostKeyPolicy)
	}
	if _, err := policy.ReadDocument(policy.ResourcePolicy, key.ID, []byte(key.Policy)); err != nil {
		return refuse("MalformedPolicyDocumentException", "%v", err)
	}
	w.mutex.Lock()
	before := w.kmsKeys[arn]
	known := w.knows(key.Account)
	ids, err := w.bind(key.Policy)
	if known && err == nil {
		stored := key.copy()
		stored.ids = ids
		w.kmsKeys[arn] = &stored
	}
	w.mutex.Unlock()
	switch {
	case !known:
		return refuse("InvalidClientTokenId", "the lab has no account %s", key.Account)
	case err != nil:
		return refuse("MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals: %v", err)
	}

	_, result, err := w.Authorize(ctx, by, "kms:PutKeyPolicy", arn, nil)
	if err == nil && result.Decision != policy.Allowed {
		err = refuse("MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
	}
	if err != nil {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		if delete(w.kmsKeys, arn); before != nil {
			w.kmsKeys[arn] = before
		}
	}
	return err
}

// KMSKey is the key with this ARN.
func (w *World) KMSKey(arn string) (KMSKey, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if key := w.kmsKeys[arn]; key != nil {
		result := key.copy()
		result.Policy = w.render(key.Policy, key.ids, func(_, id string) string { return id })
		return result, nil
	}
	return KMSKey{}, noKMSKey(arn)
}

func noKMSKey(id string) error {
	return refuse("NotFoundException", "The KMS key or alias does not exist: %s", id)
}

// DeleteKMSKey deletes a key at once, with its aliases. KMS would wait for some days, in which the key cannot be used either.
func (w *World) DeleteKMSKey(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.kmsKeys[arn] == nil {
		return noKMSKey(arn)
	}
	delete(w.kmsKeys, arn)
	maps.DeleteFunc(w.kmsAliases, func(_, of string) bool { return of == arn })
	return nil
}

// aliasName is the form of https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

// PutKMSAlias gives a key another name, as alias/name; with create false it moves the name there from another key.
func (w *World) PutKMSAlias(name, keyARN string, create bool) (arn string, err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	key := w.kmsKeys[keyARN]
	switch {
	case !aliasName.MatchString(name) || strings.HasPrefix(name, "alias/aws/"):
		return "", refuse("InvalidAliasNameException", "%q is not alias/ with letters, digits and /_- behind it, or is kept for AWS", name)
	case key == nil:
		return "", noKMSKey(keyARN)
	}
	arn = "arn:aws:kms:" + key.Region + ":" + key.Account + ":" + name
	switch _, exists := w.kmsAliases[arn]; {
	case create && exists:
		return arn, refuse("AlreadyExistsException", "An alias with the name %s already exists", arn)
	case !create && !exists:
		return arn, noKMSKey(arn)
	}
	w.kmsAliases[arn] = keyARN
	return arn, nil
}

// DeleteKMSAlias takes a name away.
func (w *World) DeleteKMSAlias(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, exists := w.kmsAliases[arn]; !exists {
		return noKMSKey(arn)
	}
	delete(w.kmsAliases, arn)
	return nil
}

// FindKMSKey is the key that is meant by the ARN of a key or of an alias, or, within an account and region, by its id or alias.
func (w *World) FindKMSKey(account, region, id string) (KMSKey, error) {
	arn := id
	switch {
	case strings.HasPrefix(id, "arn:"):
	case strings.HasPrefix(id, "alias/"):
		arn = "arn:aws:kms:" + region + ":" + account + ":" + id
	default:
		arn = "arn:aws:kms:" + region + ":" + account + ":key/" + id
	}
	w.mutex.RLock()
	of, isAlias := w.kmsAliases[arn]
	w.mutex.RUnlock()
	if isAlias {
		arn = of
	}
	return w.KMSKey(arn)
}

// keyPolicy is a key's policy for the evaluator, as effectivePolicy is a bucket's, and the key's aliases.
func (w *World) keyPolicy(arn string) (document json.RawMessage, aliases []string) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	key := w.kmsKeys[arn]
	if key == nil {
		return nil, nil
	}
	for alias, of := range w.kmsAliases {
		if of == arn {
			aliases = append(aliases, alias[strings.Index(alias, ":alias/")+1:])
		}
	}
	slices.Sort(aliases)
	return json.RawMessage(w.render(key.Policy, key.ids, deadPrincipal)), aliases
}

// deadPrincipal is what stands for a role that is gone: the lab knows that its id is nobody's, which the evaluator could not tell from the
// id alone, so it stands there as an ARN that no session has.
func deadPrincipal(arn, id string) string {
	return "arn:aws:iam::" + policy.AccountOf(arn) + ":role/" + id
}
