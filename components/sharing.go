package components

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// Source is one of the places where the data side finds the role of the compute side.
type Source string

// The sources a setting can name: the outputs of the compute side's stack, an advanced parameter of Systems Manager that AWS RAM shares,
// and a secret with a key and policy of its own.
const (
	StackReference Source = "stackReference"
	ParameterStore Source = "parameterStore"
	SecretsManager Source = "secretsManager"
)

// Sharing is how the data side comes to know the role of the compute side.
type Sharing struct {
	// Share are the sources that the compute side offers; at least one.
	Share []Source
	// Outside is whether the parameter may be shared with an account outside of the organization.
	Outside bool
	// SecretReaders are the ARNs of the roles of the data account that may read the secret.
	SecretReaders []string

	// From is the source that the data side reads.
	From Source
	// SecretARN is the secret's ARN, which ends in letters that Secrets Manager chose; empty where it is not read.
	SecretARN string
}

// sharing reads how the role is shared. What it needs of other settings is checked by checkSharing.
func (r *reader) sharing() Sharing {
	return Sharing{
		Share:         r.sources("share"),
		Outside:       r.boolean("shareOutsideOrganization"),
		SecretReaders: r.list("secretReaders", roleARNForm, "the ARN of a role, without wildcards"),
		From:          Source(r.oneOf("roleArnFrom", string(StackReference), string(ParameterStore), string(SecretsManager))),
		SecretARN:     r.text("roleSecretArn"),
	}
}

func (r *reader) sources(key string) []Source {
	const allowed = "stackReference, parameterStore or secretsManager"
	text := r.text(key)
	var sources []Source
	if err := json.Unmarshal([]byte(text), &sources); err != nil || len(sources) == 0 {
		r.refuse(key, text, "a list of at least one of "+allowed)
		return nil
	}
	for i, source := range sources {
		switch {
		case !slices.Contains([]Source{StackReference, ParameterStore, SecretsManager}, source):
			r.refuse(fmt.Sprintf("%s[%d]", key, i), string(source), allowed)
		case slices.Contains(sources[:i], source):
			r.refuse(fmt.Sprintf("%s[%d]", key, i), string(source), "named only once")
		}
	}
	return sources
}

// checkSharing checks what a side needs for its sources: the compute side who may read the secret, the data side which secret it is.
func (r *reader) checkSharing(s *Settings) {
	switch {
	case s.Side == Compute && slices.Contains(s.Sharing.Share, SecretsManager):
		if len(s.Sharing.SecretReaders) == 0 {
			r.refuse("secretReaders", r.text("secretReaders"), "the roles of account "+s.DataAccountID+" that deploy and preview the data side, "+
				"with secretsManager in share: the secret names who may read it")
		}
		for i, arn := range s.Sharing.SecretReaders {
			if match := roleARNForm.FindStringSubmatch(arn); match != nil && match[1] != s.DataAccountID {
				r.refuse(fmt.Sprintf("secretReaders[%d]", i), arn, fmt.Sprintf("a role of account %s, which dataAccountId names", s.DataAccountID))
			}
		}
	case s.Side == Data && s.Sharing.From == SecretsManager:
		// Secrets Manager puts a hyphen and six letters behind the name.
		// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
		begins := s.computePlace().arn("secretsmanager", "secret:"+s.RoleSecretName())
		form := regexp.MustCompile("^" + regexp.QuoteMeta(begins) + "-[A-Za-z0-9]{6}$")
		if !form.MatchString(s.Sharing.SecretARN) {
			r.refuse("roleSecretArn", s.Sharing.SecretARN, fmt.Sprintf("the output roleSecretArn of the compute side: %s with a hyphen and six "+
				"letters and digits behind it, as computeAccountId, functionName and aws:region have it", begins))
		}
	}
}

// computePlace is where the compute side is. Both sides are in the same region.
func (s *Settings) computePlace() Place {
	return Place{Partition: s.Access.Partition, Region: s.Region, AccountID: s.ComputeAccountID}
}

// RoleParameterName is the name of the parameter that has the role. The function's name is that of one deployment in its account and
// region, and has only letters that a parameter can have.
func (s *Settings) RoleParameterName() string { return "/" + s.RoleSecretName() }

// RoleParameterARN is the ARN of that parameter, by which another account reads it.
func (s *Settings) RoleParameterARN() string {
	return s.computePlace().arn("ssm", "parameter"+s.RoleParameterName())
}

// RoleSecretName is the name of the secret that has the role.
func (s *Settings) RoleSecretName() string { return "cross-account-s3/" + s.Function.Name + "/role" }
