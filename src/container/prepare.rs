//! From a request to a plan: everything is thought of before the first byte is written.

use std::path::PathBuf;

use oci_spec::runtime::Spec;

use super::accounts::Accounts;
use super::base::{Base, Files, Intent, Wanted};
use super::description::Description;
use super::limits::{self, Limits};
use super::network::{GENERATED, Link};
use super::place::{Placement, Site};
use super::rootfs::{MERGED, directories, rootfs};
use super::{Engine, Error, Event, Events, environment, random};
use crate::plan::Plan;
use crate::plan::account::{self, Account, UserSpec};
use crate::plan::from_spec::Supplement;
use crate::plan::idmap::IdMap;
use crate::plan::name::{ContainerId, ContainerName, Hostname};
use crate::plan::process::{Input, Streams};
use crate::plan::request::{Driver, RunRequest};
use crate::plan::resources::Counting;
use crate::plan::rootfs::Lifetime;
use crate::plan::spec::{Composition, GeneratedFiles, additions, compose};
use crate::plan::userns::{self, UserNamespace, UsernsMode};
use crate::store::container::ContainerRecord;
use crate::store::layer::LayerOwners;

/// A container thought through: nothing of it exists yet.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) record: ContainerRecord,
    /// Nobody asked for its name, so that it may as well have another.
    pub(super) is_name_drawn: bool,
    /// What describes it to a later start; none for what is not started again.
    pub(super) description: Option<Description>,
    /// The directories of its own, each after its parent.
    pub(super) directories: Vec<String>,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    pub(super) placement: Placement,
    pub(super) namespace: Option<UserNamespace>,
    pub(super) base: Base,
    pub(super) link: Link,
    pub(super) limits: Limits,
}

/// What is decided about a container before its specification.
pub(super) struct Draft<'a> {
    pub(super) request: &'a RunRequest,
    pub(super) id: ContainerId,
    pub(super) name: ContainerName,
    hostname: Hostname,
    pub(super) user: UserSpec,
    pub(super) account: Account,
    pub(super) map: Option<IdMap>,
    pub(super) mode: UsernsMode,
    pub(super) path: PathBuf,
    pub(super) placement: Placement,
    pub(super) link: Link,
    pub(super) limits: Limits,
}

/// Where a container's files have their owners.
struct Ownership<'a> {
    map: Option<IdMap>,
    mode: UsernsMode,
    namespace: Option<&'a UserNamespace>,
    owners: &'a LayerOwners,
}

impl Engine {
    /// Thinks a container through.
    pub(super) fn prepare(
        &self,
        request: &RunRequest,
        (driver, intent): (Driver, Intent),
        events: Events<'_>,
    ) -> Result<Prepared, Error> {
        let link = self.link(request, &mut *events)?;
        let mode = link.userns(request)?;
        let (namespace, owners) = self.namespace(mode)?;
        let map = userns::resolve(mode, &self.host)?;
        let wanted = Wanted {
            source: &request.image,
            text: &request.image_text,
            platform: request.platform.as_ref(),
            limits: &request.image_limits,
            pull: request.pull,
            namespace: namespace.as_ref(),
            owners: &owners,
            intent,
        };
        let base = self.base(wanted, &mut *events)?;
        let ownership = Ownership { map, mode, namespace: namespace.as_ref(), owners: &owners };
        let draft = self.draft((request, intent), &base, (ownership, link), events)?;
        let files = self.generated_files(request, &draft.hostname, &draft.link)?;
        let spec = self.compose(&draft, &base)?;
        let supplement = supplement(&draft, &base, driver)?;
        let is_started_again = request.lifetime == Lifetime::Kept || intent == Intent::Create;
        let description = is_started_again.then(|| self.describe(&draft.path, &spec, &supplement));
        let plan = Plan::from_spec(&spec, supplement, &self.host)?;
        let record = Self::record(&draft, &plan, &base);
        let of_root = directories(&plan).iter().map(|&name| name.to_owned());
        Ok(Prepared {
            record,
            is_name_drawn: request.name.is_none(),
            description,
            directories: of_root.chain(draft.placement.directories.iter().cloned()).collect(),
            files,
            placement: draft.placement,
            link: draft.link,
            limits: draft.limits,
            plan,
            namespace,
            base,
        })
    }

    fn compose(&self, draft: &Draft<'_>, base: &Base) -> Result<Spec, Error> {
        let config = base.config();
        let hostname = draft.hostname.as_str();
        let image_environment = config.env().as_deref().unwrap_or_default();
        let generated = GeneratedFiles {
            directory: draft.link.shared_files().unwrap_or(&draft.path).to_owned(),
            names: GENERATED.to_vec(),
        };
        let composition = Composition {
            request: draft.request,
            image: &config,
            account: &draft.account,
            environment: environment::compose(draft.request, image_environment, &draft.account, hostname),
            mounts: &draft.placement.mounts,
            files: &generated,
            hostname: hostname.to_owned(),
            map: draft.map.as_ref(),
            root: draft.path.join(MERGED),
            network: draft.link.network,
            limits: &draft.limits.of_processes,
        };
        Ok(compose(&composition, &self.host)?)
    }

    fn draft<'a>(
        &self,
        (request, intent): (&'a RunRequest, Intent),
        base: &Base,
        (ownership, link): (Ownership<'_>, Link),
        events: Events<'_>,
    ) -> Result<Draft<'a>, Error> {
        let id = ContainerId::from_bytes(random()?);
        let name = match &request.name {
            Some(name) => name.clone(),
            None => ContainerName::from_random(u64::from_ne_bytes(random()?)),
        };
        let hostname = match (&request.hostname, &link.donor) {
            (Some(hostname), _) => hostname.clone(),
            (None, Some(donor)) => donor.record.hostname.parse()?,
            (None, None) => id.short().parse()?,
        };
        let user = self.user(request, ownership.mode, base)?;
        let account = account((&user, request), base, ownership.namespace, &mut *events);
        let account = account.map_err(|error| match base {
            Base::Image { image, files: Files::Unpacked, .. } => {
                self.or_vanished(&image.id, &request.image_text, error)
            }
            Base::Image { files: Files::Absent, .. } | Base::Directory(_) | Base::Host => error,
        })?;
        let counting = if ownership.map.is_some() { Counting::Namespace } else { Counting::Nobody };
        let limits = limits::decide(request, counting)?;
        let path = self.store.container_path(&id, request.lifetime);
        let site = Site {
            engine: self,
            account: &account,
            namespace: ownership.namespace,
            owners: ownership.owners,
            intent,
            lifetime: request.lifetime,
            directory: &path,
        };
        let placement = site.place(request, base, events)?;
        Ok(Draft {
            request,
            user,
            account,
            path,
            id,
            name,
            hostname,
            map: ownership.map,
            mode: ownership.mode,
            placement,
            link,
            limits,
        })
    }

    /// Whom to run as: `--user`, with `keep-id` the caller, else the image's.
    fn user(&self, request: &RunRequest, mode: UsernsMode, base: &Base) -> Result<UserSpec, Error> {
        let config = base.config();
        let of_image = || config.user().as_deref().unwrap_or_default().parse::<UserSpec>();
        let caller = UserSpec {
            user: account::Principal::Id(self.host.uid),
            group: Some(account::Principal::Id(self.host.gid)),
        };
        Ok(match (&request.user, mode) {
            (Some(spec), _) => spec.clone(),
            (None, UsernsMode::KeepId) => caller,
            (None, _) => of_image()?,
        })
    }
}

/// What the image's own files say of a user.
fn account(
    (user, request): (&UserSpec, &RunRequest),
    base: &Base,
    namespace: Option<&UserNamespace>,
    events: Events<'_>,
) -> Result<Account, Error> {
    let Accounts { passwd, group, notices } = base.accounts(namespace)?;
    for notice in notices {
        events(Event::Notice(notice));
    }
    account::resolve(user, &passwd, &group, &request.extra_groups).map_err(|cause| match base {
        Base::Image { files: Files::Absent, .. } => Error::UsersUnread(cause),
        Base::Image { files: Files::Unpacked, .. } | Base::Directory(_) | Base::Host => cause.into(),
    })
}

/// What the specification has no word for.
fn supplement(draft: &Draft<'_>, base: &Base, driver: Driver) -> Result<Supplement, Error> {
    let request = draft.request;
    Ok(Supplement {
        id: draft.id.clone(),
        rootfs: rootfs(draft, base, driver)?,
        fills: draft.placement.fills.clone(),
        additions: additions(&draft.placement.mounts),
        first: request.first,
        input: match request.streams {
            Streams::Launcher { input } => input,
            Streams::Terminal => Input::Attached,
        },
        network: draft.link.network,
        connection: draft.link.connection.clone(),
        landlock: request.landlock.clone(),
        caller_groups: request.caller_groups,
    })
}
