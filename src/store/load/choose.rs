//! Which of the images of a source are meant.

use std::cell::RefCell;

use super::candidate::{Candidate, Names};
use super::source::Opened;
use super::{LoadChoice, LoadError, LoadFormat, LoadRequest, Progress, docker, oci};
use crate::plan::platform::Platform;

/// The images that the request asks for, read and checked up to their layers.
pub(super) fn choose(
    opened: &Opened,
    request: &LoadRequest<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Candidate>, LoadError> {
    let source_name = opened.name.as_str();
    match opened.format {
        LoadFormat::Docker => {
            let images = docker::images(&opened.blobs, source_name)?;
            if images.is_empty() {
                return Err(LoadError::Empty(source_name.to_owned()));
            }
            let all = images.iter().map(|image| image.names.clone()).collect::<Vec<_>>();
            let chosen = chosen(&all, &request.choice, source_name)?;
            let images = images.into_iter().enumerate().filter(|(index, _)| chosen.contains(index));
            fitting(images.map(|(_, image)| fit(image, request.platform)), request.platform, progress)
        }
        LoadFormat::Oci | LoadFormat::Any => {
            let layout = oci::Layout { blobs: &opened.blobs, source_name, others: RefCell::default() };
            let groups = layout.groups()?;
            if groups.is_empty() && layout.others.borrow().is_empty() {
                return Err(LoadError::Empty(source_name.to_owned()));
            }
            let all = groups.iter().map(|group| group.names.clone()).collect::<Vec<_>>();
            let chosen = chosen(&all, &request.choice, source_name)?;
            let mut offers = Vec::with_capacity(chosen.len());
            for group in chosen.into_iter().filter_map(|index| groups.get(index)) {
                let picked = layout.pick(group, request.platform)?;
                offers.push(picked.map_err(|platforms| (group.names.clone(), platforms)));
            }
            let mut others = layout.others.take();
            others.dedup();
            fitting(offers.into_iter(), request.platform, progress).map_err(|error| match error {
                LoadError::Platform { found, .. } if found.is_empty() && !others.is_empty() => {
                    LoadError::OnlyOthers { source_name: source_name.to_owned(), found: others }
                }
                error => error,
            })
        }
    }
}

/// An image, or the names and platforms of one that does not fit.
type Offer = Result<Candidate, (Names, Vec<String>)>;

fn fit(image: Candidate, wanted: &Platform) -> Offer {
    if wanted.runs(&image.platform) {
        return Ok(image);
    }
    Err((image.names, vec![image.platform.to_string()]))
}

fn fitting(
    offers: impl Iterator<Item = Offer>,
    wanted: &Platform,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Candidate>, LoadError> {
    let (mut images, mut others) = (Vec::new(), Vec::new());
    for offer in offers {
        match offer {
            Ok(image) => images.push(image),
            Err(other) => others.push(other),
        }
    }
    if images.is_empty() {
        let mut found: Vec<String> = others.into_iter().flat_map(|(_, platforms)| platforms).collect();
        found.dedup();
        return Err(LoadError::Platform { wanted: wanted.to_string(), found });
    }
    for (names, platforms) in others {
        progress(Progress::Skipped { names: names.all().cloned().collect(), platforms });
    }
    Ok(images)
}

/// The indices of the chosen images.
fn chosen(all: &[Names], choice: &LoadChoice, source_name: &str) -> Result<Vec<usize>, LoadError> {
    let found = || all.iter().flat_map(Names::all).cloned().collect();
    let source_name = source_name.to_owned();
    match choice {
        LoadChoice::Only if all.len() > 1 => Err(LoadError::Several { source_name, found: found() }),
        LoadChoice::All | LoadChoice::Only => Ok((0..all.len()).collect()),
        LoadChoice::Named(wanted) => match all.iter().position(|names| names.are(wanted)) {
            Some(index) => Ok(vec![index]),
            None => Err(LoadError::Select { source_name, wanted: wanted.clone(), found: found() }),
        },
    }
}
