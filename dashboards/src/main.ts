// Entry of every page: language and colours from the address or the last visit, then the app.
import { mount } from 'svelte';
import './style.css';
import App from './page/App.svelte';
import { restoreLanguage } from './page/language';
import { preferences } from './page/preferences.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
restoreLanguage();
preferences.restore();
mount(App, { target });
