//! `minirun system gc`.

use minirun::container::{Engine, Error};
use minirun::plan::limit;
use minirun::plan::reference::Reference;
use minirun::store::discard::{Removal, Removed};
use minirun::store::image::ImageError;

use crate::arguments::system::CollectArgs;
use crate::failure::{Failure, SOME_FAILED};
use crate::output::{Output, note};
use crate::run::RequestError;
use crate::size;

/// Removes images until the rest takes no more than asked; a line for each.
pub(crate) fn collect(engine: &Engine, arguments: &CollectArgs, output: &mut Output) -> Result<u8, Failure> {
    let limit = limit::parse_size(&arguments.max_size).map_err(RequestError::Limit)?;
    engine.tidy()?;
    let mut code = 0;
    for image in engine.surplus_images(limit)? {
        if arguments.dry_run {
            let names: Vec<String> = image.references.iter().map(Reference::familiar).collect();
            let names = if names.is_empty() { "<none>".to_owned() } else { names.join(", ") };
            output.line(format!("would remove: {} {names} {}", image.id, size::show(image.size)))?;
            continue;
        }
        match engine.remove_image(&image.id.to_string(), Removal::Forced) {
            Ok(removed) => {
                for what in removed {
                    output.line(match what {
                        Removed::Untagged(reference) => format!("untagged: {}", reference.familiar()),
                        Removed::Deleted(id) => format!("deleted: {id}"),
                    })?;
                }
            }
            // Somebody else was faster: what was wanted.
            Err(Error::Image(ImageError::Unknown { .. })) => {}
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
            }
        }
    }
    let left = engine.disk_usage()?.layers;
    if left > limit && !arguments.dry_run {
        output.flush()?;
        note(&format!(
            "note: {} of layers are left, which containers need: {} were asked for\n",
            size::show(left),
            size::show(limit)
        ));
    }
    Ok(code)
}
